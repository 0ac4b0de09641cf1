//! A sign-in, as a person or a program meets it: for `login` and `app new`.

mod confirmation;
mod countdown;
mod interactive;
mod json_events;
mod messages;
mod next_steps;
mod saved_app;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use log::LevelFilter;

use self::confirmation::{describe, is_right_person};
use self::json_events::JsonEvents;
use self::messages::{
    Welcome, interrupted, tell_new, tell_present, warn_of_network_folder, warn_of_oauth_app,
};
use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::ports::{Clock, Prompt, StoreError};
use crate::auth::record::{Account, Record};
use crate::config::{Browsers, Desktop, Environment};
use crate::error::{Error, Result};
use crate::github::AppInfo;
use crate::permits::{DeviceFlowPermit, UnlockPermit};
use crate::session::sign_in::{NewSignIn, Present, Switch, Terms, first_sign_in};
use crate::session::{Call, Session};
use crate::store_choice::StoreChoice;
use crate::system::browser::Browser;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::system::terminal::screen::Screen;

/// What a sign-in is asked to do.
#[derive(Debug)]
pub(crate) struct SignInOptions {
    /// What to do with a stored sign-in that is valid.
    pub(crate) present: Present,
    /// Whether another account may replace the stored one.
    pub(crate) switch_account: bool,
    /// Whether a new App stays out of the configuration.
    pub(crate) no_save: bool,
    /// Whether a program reads events.
    pub(crate) json: bool,
    /// The page and the code.
    pub(crate) page: PageFlags,
    /// What is known of the App before anybody signed in to it.
    pub(crate) registered: RegisteredApp,
}

/// What is known of an App that was just registered; nothing of any other.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegisteredApp {
    /// Its name in the addresses of its pages, if the form was sent as it was filled in.
    pub(crate) slug: Option<String>,
    /// The organization in which it was registered.
    pub(crate) organization: Option<String>,
}

/// What is done with the page and the code; a program that reads events does it itself.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PageFlags {
    /// Never offer to open a browser [env: GHTOK_BROWSER, BROWSER]
    #[arg(long)]
    pub(super) no_browser: bool,
    /// Copy the code to the clipboard; not with --json
    #[arg(long)]
    copy: bool,
    /// Show the page's address as a QR code; not with --json
    #[arg(long)]
    qr: bool,
}

/// One sign-in: what it was asked, and what the person has before them.
pub(crate) struct SignInRun<'a> {
    options: &'a SignInOptions,
    session: &'a Session<'a>,
    app: &'a App,
    /// The name that the command line gives to an App that is not configured.
    new_name: Option<&'a str>,
    clock: &'a (dyn Clock + Sync),
    screen: Arc<Screen>,
    browser: BrowserOffer,
    /// What takes the code into the clipboard; the first that is there will do.
    clipboards: Vec<String>,
    /// Where programs are looked for.
    folders: Vec<PathBuf>,
}

/// Whether a browser can be offered.
pub(crate) enum BrowserOffer {
    /// This one.
    Opens(Browser),
    /// None, and why.
    None(String),
}

/// When the sign-in was stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// Before this `login`.
    Before,
    /// By this `login`, or by another one meanwhile.
    Now,
}

impl<'a> SignInRun<'a> {
    /// Asks nothing yet. `new_name` is the name that an App gets which is not configured.
    pub(crate) fn new(
        options: &'a SignInOptions,
        session: &'a Session<'a>,
        app: &'a App,
        new_name: Option<&'a str>,
    ) -> Self {
        let mut desktop = Desktop::of(&Environment::from_process());
        // Log lines come between: where they do, no line is written over.
        desktop.looks.dumb |= log::max_level() != LevelFilter::Off;
        Self {
            options,
            session,
            app,
            new_name,
            clock: session.machine.clock,
            screen: Arc::new(Screen::new(desktop.looks)),
            browser: BrowserOffer::of(&desktop),
            clipboards: desktop.clipboards,
            folders: desktop.folders,
        }
    }

    /// Signs in, stores the sign-in and says so.
    ///
    /// # Errors
    /// The error of the sign-in; the stored sign-in is unchanged then.
    pub(crate) fn run(&self) -> Result<()> {
        let (session, app) = (self.session, self.app);
        // The time zone can be read only while there is one thread, and this starts another.
        let _ = self.clock.local_time(self.clock.now());
        let began = self.clock.now();
        let before = match session.remembered_store(app) {
            Err(error) if session.config.store == StoreChoice::Auto => return Err(error),
            // What cannot be read is replaced.
            remembered => remembered.unwrap_or(None),
        };
        if self.is_signed_in_elsewhere(before)? {
            return Ok(());
        }
        let unlock = UnlockPermit::asked_for();
        session.decide_store_for_login(app, Some(&unlock));
        let replaced = session.signed_in_elsewhere(app, before);
        let since = session.with_call(app, |call| {
            let since = self.log_in(&unlock, replaced.as_ref(), call)?;
            if since == Since::Before {
                session.ask_reach_after_login(began, call);
            }
            Ok(since)
        })?;
        self.remember_store(before, since)?;
        session.prove_readable(app)?;
        if let Some(kind) = session.state_folder_network() {
            warn_of_network_folder(&session.config.state_dir, &kind);
        }
        Ok(())
    }

    /// Where a sign-in goes is decided for a new one only: one that is good stays where it is.
    fn is_signed_in_elsewhere(&self, store: Option<StoreChoice>) -> Result<bool> {
        // The keychain may have to be unlocked first, and `log_in` looks into it.
        let is_elsewhere = store.is_some_and(|store| store.or_keychain() != StoreChoice::Keychain);
        if self.session.config.store != StoreChoice::Auto
            || !is_elsewhere
            || self.options.present == Present::Replace
        {
            return Ok(false);
        }
        let told = self
            .session
            .with_call(self.app, |call| self.tell_if_signed_in(call));
        match told {
            Err(Error::StoreUnreachable { .. }) => Ok(false),
            told => told,
        }
    }

    /// Signs in, unless a good sign-in is there. `replaced` is the account of a sign-in in another store,
    /// of which this one takes the place.
    fn log_in(
        &self,
        unlock: &UnlockPermit,
        replaced: Option<&Account>,
        call: &Call<'_>,
    ) -> Result<Since> {
        unlock_store(unlock, call)?;
        let present = self.options.present;
        if present == Present::Keep && self.tell_if_signed_in(call)? {
            return Ok(Since::Before);
        }
        warn_of_oauth_app(call);
        let saved = Arc::new(AtomicBool::new(false));
        self.explain_signals(&saved);
        let (began, info) = (self.clock.now(), RefCell::new(None));
        let registered = &self.options.registered;
        let confirm = |new: &NewSignIn| {
            let mut info = info.borrow_mut();
            *info = describe(new, registered, call);
            is_right_person(new, info.as_ref(), registered, &self.screen, call)
        };
        let is_asked = replaced.is_none() && self.asks_who_signs_in(call);
        let terms = Terms {
            present,
            switch: self.switch(),
            elsewhere: replaced,
            confirm: is_asked.then_some(&confirm),
        };
        let sign_in = |prompt: &mut dyn Prompt| {
            first_sign_in(DeviceFlowPermit::asked_for(), &terms, prompt, call)
        };
        let (kept, by) = if self.options.json {
            sign_in(&mut JsonEvents { call })?
        } else {
            interactive::beside_person(self, call, sign_in)?
        };
        let record = kept.settle(&terms, call)?;
        saved.store(true, Ordering::SeqCst);
        let reach = self.session.ask_reach_after_login(began, call);
        let slug = info.into_inner().map(|info: AppInfo| info.slug);
        tell_new(
            self,
            &Welcome {
                record,
                by,
                slug,
                reach,
            },
            call,
        )?;
        Ok(Since::Now)
    }

    /// Before the first sign-in of an App is stored, the person is shown whose App it is, and asked whether
    /// the account is theirs; unless the configuration says which one it must be, or nobody can be asked.
    fn asks_who_signs_in(&self, call: &Call<'_>) -> bool {
        Terminal.has_person()
            && !self.options.json
            && call.app.account.is_none()
            && matches!(call.store.load(), Ok(None))
    }

    /// Whether another account may replace the stored one; a program cannot be asked.
    fn switch(&self) -> Switch {
        if self.options.switch_account {
            Switch::Allowed
        } else if self.options.json || !Terminal.has_person() {
            Switch::Never
        } else {
            Switch::Ask
        }
    }

    /// Tells of a good sign-in in the store of this call, if there is one.
    fn tell_if_signed_in(&self, call: &Call<'_>) -> Result<bool> {
        match good_sign_in(call)? {
            Some(served) => tell_present(self, &served, call).map(|()| true),
            None => Ok(false),
        }
    }

    /// A signal leaves the terminal in order, and says what became of the sign-in.
    fn explain_signals(&self, saved: &Arc<AtomicBool>) {
        let (saved, screen, json) = (
            Arc::clone(saved),
            Arc::clone(&self.screen),
            self.options.json,
        );
        signals::exit_with_message(Box::new(move |signal| {
            if !json {
                screen.hush();
            }
            let left = if saved.load(Ordering::SeqCst) {
                "you are signed in"
            } else {
                "nothing was changed"
            };
            interrupted(json, left, signal)
        }));
    }

    /// Notes which store later commands find the sign-in in. One that was good before stays good where
    /// that cannot be written.
    fn remember_store(&self, before: Option<StoreChoice>, since: Since) -> Result<()> {
        let is_found_anyway = before.is_none() && self.session.config.store_flag.is_none();
        match self.session.move_sign_in(self.app, before) {
            Err(error) if since == Since::Before => {
                if !is_found_anyway {
                    let what = "later commands will not find it without the same --store";
                    Terminal.note(&format!("{what}: {error}"));
                }
                Ok(())
            }
            moved => moved,
        }
    }
}

impl BrowserOffer {
    /// What this desktop has.
    pub(crate) fn of(desktop: &Desktop) -> Self {
        let find = |commands: &[String]| Browser::find(commands, &desktop.folders);
        let (found, why) = match &desktop.browsers {
            Browsers::Named(variable, commands) => (
                find(commands),
                format!("the program in {variable} was not found"),
            ),
            Browsers::Usual(commands) => (find(commands), "no browser was found".into()),
            Browsers::OutOfSight(reason) => (None, format!("no browser is opened {reason}")),
        };
        found.map_or(Self::None(why), Self::Opens)
    }
}

fn unlock_store(permit: &UnlockPermit, call: &Call<'_>) -> Result<()> {
    call.store
        .unlock(permit, call.limits.unlock)
        .map_err(|error| match error {
            StoreError::Locked => Error::StoreStayedLocked {
                store: call.store.place(),
            },
            other => call.store_error(other),
        })
}

/// The sign-in that is there, if it is good.
fn good_sign_in(call: &Call<'_>) -> Result<Option<Served>> {
    let check = |record: Record| match call.broker.sign_in_reason(&record) {
        Some(error) => Err(error),
        None => call.broker.access_token_for_login(call.min_ttl),
    };
    match call.broker.load().and_then(check) {
        // Where the refresh token was refused, the sign-in ends with its access token.
        Ok(served) => Ok(Some(served).filter(|served| served.sign_in_before.is_none())),
        Err(Error::SignInNeeded { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
