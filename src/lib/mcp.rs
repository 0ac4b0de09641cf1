//! Puts `mcp` together: a conversation, its servers, and the way to their tokens.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::auth::outcome::Happened;
use crate::auth::ports::{Clock, Prompt};
use crate::auth::rejection::mark_rejected;
use crate::cli;
use crate::config::{Browsers, Desktop, Environment};
use crate::error::{Error, Result, system_reason};
use crate::formats::plain_text::one_line;
use crate::github::DeviceAuthorization;
use crate::host::Host;
use crate::host::token_env::{self, Change, Grant, MCP_TOKEN, Others, Reason, Recipient};
use crate::mcp::conversation::{Cure, News, Pace, Settings, Told, Trouble};
use crate::mcp::messages::Code;
use crate::mcp::runtime::Wrapper;
use crate::mcp::tokens::{Fetched, Tokens};
use crate::mcp::watchdog::{self, Watchdog};
use crate::session::Call;
use crate::session::Unlock;
use crate::session::sign_in::sign_in;
use crate::session::{Machine, Session, login_command, this_program};
use crate::store::dialog::SharedDialog;
use crate::store::state_folder::StateFolder;
use crate::system::browser::Browser;
use crate::system::process::{self, Children};
use crate::system::terminal::Terminal;
use crate::token::{AccessToken, Timestamp};

/// How often who follows another process's sign-in looks how far that is.
const FOLLOW: Duration = Duration::from_millis(300);

impl Session<'_> {
    pub(crate) fn mcp(&self, arguments: &cli::Mcp) -> Result<u8> {
        let app = self.config.app(None)?;
        // The time zone can be read only while there is one thread.
        let clock = self.machine.clock;
        let _ = clock.local_time(clock.now());
        let variables = variables(&app.host, &arguments.variables)?;
        let choice = self.store_of(app)?;
        let settings = Settings {
            app: app.label().to_owned(),
            login_command: login_command(app, self.store_to_name(app, choice)),
            asking: arguments.asking(),
            restarts: arguments.restarts(),
            wait: arguments.wait,
            max_drain: arguments.max_drain,
            pace: Pace::STANDARD,
        };
        let wrapper = Wrapper {
            command: &arguments.command,
            variables: &variables,
            tokens: &Source {
                root: self,
                app,
                browser: browser(arguments.opening()),
            },
            clock,
            watchdog: &Watchdog::new(this_program),
            end: &|ended| process::end(ended.unwrap_or_else(|why| not_started(arguments, &why))),
        };
        wrapper.run(settings);
        Ok(0)
    }
}

/// The changes to the environment of the servers.
fn variables(host: &Host, asked: &[String]) -> Result<Vec<Change>> {
    let variables = match asked {
        [] => vec![MCP_TOKEN],
        asked => asked.iter().map(String::as_str).collect(),
    };
    let grants: Vec<Grant<'_>> = variables
        .into_iter()
        .map(|variable| Grant { variable, host })
        .collect();
    let inherited = Environment::inherited_by_tools();
    let plan = token_env::plan(Recipient::McpServer, &grants, Others::Remove, &inherited)?;
    if let Some(note) = plan.note(Recipient::McpServer, &[Reason::OtherHost]) {
        Terminal.note(&note);
    }
    Ok(plan.changes)
}

/// Says so, with the exit code of that.
fn not_started(arguments: &cli::Mcp, why: &io::Error) -> u8 {
    let program = arguments.command.first().map(|word| word.to_string_lossy());
    let command = one_line(&program.unwrap_or_default(), 200);
    let error = match why.kind() {
        ErrorKind::NotFound => Error::CommandNotFound { command },
        _ => Error::CommandNotRun {
            command,
            cause: system_reason(why),
        },
    };
    crate::session::report(&error, false);
    error.wrapper_exit_code()
}

/// The App's tokens, each time with everything put together anew: threads share nothing but the
/// configuration.
struct Source<'a> {
    root: &'a Session<'a>,
    app: &'a App,
    /// Shown each code, if the person has asked for that.
    browser: Option<Browser>,
}

/// The person's browser, where one can be seen from here.
fn browser(wish: cli::Opening) -> Option<Browser> {
    if wish == cli::Opening::Never {
        return None;
    }
    let desktop = Desktop::of(&Environment::from_process());
    let found = match &desktop.browsers {
        Browsers::Named(_, commands) | Browsers::Usual(commands) => {
            Browser::find(commands, &desktop.folders)
        }
        Browsers::OutOfSight(_) => None,
    };
    if found.is_none() {
        Terminal.note("mcp: --open finds no browser here");
    }
    found
}

impl Tokens for Source<'_> {
    fn fetch(&self) -> Fetched {
        self.with_call(|call| self.valid(call))
    }

    fn check(&self, generation: u64) -> Fetched {
        self.with_call(|call| {
            // A mark that cannot be made now is made at the next refusal.
            let _ = mark_rejected(call.store, call.clock, |stored| {
                stored.generation == generation
            });
            self.valid(call)
        })
    }

    fn sign_in(&self, show: &(dyn Fn(Code) + Sync), given_up: &AtomicBool) -> Fetched {
        let folder = StateFolder::at(self.root.config.state_dir.clone());
        let shared = SharedDialog::new(folder, &self.app.key());
        let before = self.last_outcome();
        let mut shown: Option<Code> = None;
        loop {
            if given_up.load(Ordering::SeqCst) {
                return Err(trouble(&Error::Denied {
                    app: self.app.label().to_owned(),
                    login: format!("ghtok login {}", self.app.label()),
                }));
            }
            let lock = match shared.try_lock() {
                Ok(lock) => lock,
                Err(error) => {
                    return Err(Trouble {
                        text: format!("cannot use the state folder: {error}"),
                        cure: Cure::Other,
                    });
                }
            };
            if let Some(lock) = lock {
                // Somebody may have signed in while this process waited for its turn.
                if let Ok(served) = self.fetch() {
                    return Ok(served);
                }
                let root = self.root.reopened();
                let before = root.remembered_store(self.app).unwrap_or(None);
                root.decide_store_for_login(self.app, Unlock::Never);
                let elsewhere = root.signed_in_elsewhere(self.app, before);
                let signed_in = root.with_call(self.app, |call| {
                    let publish = |code: Code| {
                        lock.publish(&serde_json::to_vec(&code).unwrap_or_default());
                        self.open(&code.url);
                        show(code);
                    };
                    let clock = Impatient {
                        clock: call.clock,
                        given_up,
                    };
                    let call = Call {
                        clock: &clock,
                        ..*call
                    };
                    let mut dialog = Shown {
                        show: &publish,
                        given_up,
                        clock: call.clock,
                    };
                    sign_in(&mut dialog, elsewhere.as_ref(), &call)?;
                    self.valid(&call)
                });
                return signed_in
                    .and_then(|served| root.move_sign_in(self.app, before).map(|()| served))
                    .map_err(|error| trouble(&error));
            }
            let code = shared
                .code()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if code.is_some() && code != shown {
                shown.clone_from(&code);
                code.into_iter().for_each(show);
            }
            let told = self.last_outcome();
            if told != before && told.is_some_and(|told| told.is_stored) {
                return self.fetch();
            }
            self.root.machine.clock.sleep(FOLLOW);
        }
    }

    fn last_outcome(&self) -> Option<Told> {
        let folder = StateFolder::at(self.root.config.state_dir.clone());
        let outcome = crate::store::outcome::last(&folder, &self.app.key())?;
        let is_stored = match outcome.what {
            Happened::Saved | Happened::Deleted => true,
            Happened::Sent => false,
            Happened::Failed(_) | Happened::Unknown(_) => return None,
        };
        Some(Told {
            generation: outcome.generation,
            is_stored,
        })
    }
}

impl Source<'_> {
    /// Only who runs the device flow opens its page: one code, one page.
    fn open(&self, page: &str) {
        if let Some(browser) = &self.browser
            && let Err(error) = browser.open(page, &self.app.host)
        {
            Terminal.note(&format!("mcp: the browser was not opened: {error}"));
        }
    }

    fn with_call(&self, work: impl FnOnce(&Call<'_>) -> Result<(News, AccessToken)>) -> Fetched {
        let root = self.root.reopened();
        root.with_call(self.app, work)
            .map_err(|error| trouble(&error))
    }

    fn valid(&self, call: &Call<'_>) -> Result<(News, AccessToken)> {
        let usual = self.root.config.min_ttl;
        let served = call.broker.access_token(usual)?;
        // A refresher that has told its outcome ends soon, and leaves no zombie.
        for _ in 0..100 {
            if process::reap() == Children::None {
                break;
            }
            call.clock.sleep(Duration::from_millis(1));
        }
        let news = News {
            generation: served.generation,
            due_at: served.due_at,
            expires_at: served.expires_at,
        };
        Ok((news, served.token))
    }
}

fn trouble(error: &Error) -> Trouble {
    let hint = error
        .hint()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    let cure = match error {
        Error::SignInNeeded { .. } => Cure::SignIn,
        _ => Cure::Other,
    };
    Trouble {
        text: format!("{error}{hint}"),
        cure,
    }
}

/// Shows the code where the client's person reads it.
struct Shown<'a> {
    show: &'a dyn Fn(Code),
    given_up: &'a AtomicBool,
    clock: &'a dyn Clock,
}

impl Prompt for Shown<'_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        let end = self.clock.now().after(authorization.expires_in);
        (self.show)(Code {
            url: authorization.verification_uri.clone(),
            user_code: authorization.user_code.clone(),
            until: self.clock.local_time(end),
            expires_at: end.0,
        });
        Ok(())
    }

    fn trouble(&mut self, _: &str) {}

    fn given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }
}

/// A clock whose waits end when nobody wants them any more.
struct Impatient<'a> {
    clock: &'a dyn Clock,
    given_up: &'a AtomicBool,
}

impl Clock for Impatient<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        const PART: Duration = Duration::from_millis(100);
        let end = self.monotonic() + duration;
        while !self.given_up.load(Ordering::SeqCst) {
            let left = end.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            self.clock.sleep(left.min(PART));
        }
    }

    fn local_time(&self, at: Timestamp) -> String {
        self.clock.local_time(at)
    }
}

/// The hidden process.
pub(crate) fn guard(machine: &Machine<'_>) -> u8 {
    if let Some(input) = process::handed_over() {
        watchdog::run(input, machine.clock);
    }
    0
}
