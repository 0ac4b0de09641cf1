//! Puts `login` together.

use std::sync::Arc;

use crate::auth::ports::Clock;
use crate::commands::login::{self, Offer};
use crate::config::{Browsers, Desktop, Environment};
use crate::error::Result;
use crate::steps::Detail;
use crate::system::browser::Browser;
use crate::system::terminal::screen::Screen;
use crate::{Root, cli};

impl Root<'_> {
    pub(crate) fn log_in(&mut self, login: &cli::Login) -> Result<u8> {
        // The time zone can be read only while there is one thread, and login starts another.
        let clock = self.machine.clock;
        let _ = clock.local_time(clock.now());
        let input = login::Input {
            unwritten: self.unwritten()?,
            ..login.input()
        };
        self.config.store = self.store_for_login(self.config.app(None)?)?;
        let usual = self.config.min_ttl;
        let mut desktop = Desktop::of(&Environment::of_the_screen());
        // Steps are told a line each: where they are, no line is written over.
        desktop.looks.dumb |= self.detail != Detail::Off;
        let desk = desk(clock, desktop);
        self.for_one(|call| login::run(&input, usual, &desk, call))
    }
}

fn desk(clock: &(dyn Clock + Sync), desktop: Desktop) -> login::Desk<'_> {
    let find = |commands: &[String]| Browser::find(commands, &desktop.folders).map(Offer::Opens);
    let browser = match &desktop.browsers {
        Browsers::Named(variable, commands) => find(commands)
            .unwrap_or_else(|| Offer::None(format!("{variable} names no program that is here"))),
        Browsers::Usual(commands) => {
            find(commands).unwrap_or_else(|| Offer::None("none was found here".into()))
        }
        Browsers::OutOfSight(reason) => Offer::None(format!("none is opened from here {reason}")),
    };
    login::Desk {
        clock,
        screen: Arc::new(Screen::new(desktop.looks)),
        browser,
        clipboards: desktop.clipboards,
        folders: desktop.folders,
    }
}
