//! From no App to the first sign-in: what the App is for, the form in which it is registered, its client ID,
//! and the device flow, which is also what checks the App. For `app new`, and for a `login` without an App.

mod questions;

use clap::Args;

use self::questions::{Answer, Questions, wait_for_enter};
use crate::app::{AccountName, App, ClientId};
use crate::commands::{BrowserOffer, PageFlags, RegisteredApp, SignInOptions, SignInRun};
use crate::config::{Desktop, Environment, Flags, check_app_name};
use crate::error::{Error, Result};
use crate::formats::app_form::{AppForm, Permission, Preset};
use crate::github::ErrorCode;
use crate::host::Host;
use crate::session::Session;
use crate::session::sign_in::Present;
use crate::store_choice::StoreChoice;
use crate::system::terminal::Terminal;
use crate::system::terminal::screen::Screen;

/// Register a GitHub App and sign in with it
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  ghtok app new                   asks, opens the form, signs in
  ghtok app new work --org acme   an App of the organization acme
  ghtok app new bot --preset read-only --host ghes.example
  ghtok app new --print           the form's address only")]
pub(crate) struct NewAppFlags {
    /// Name of the App, in the form and in the configuration
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Register it in this organization, which then owns it (you must be an owner or App manager)
    #[arg(long, value_name = "ORG", value_parser = AccountName::parse)]
    org: Option<AccountName>,
    /// Let other accounts install it, for example organizations that you do not own
    #[arg(long)]
    public: bool,
    /// What its tokens may do
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// One more permission, for example packages=read; without --preset only these
    #[arg(long = "permission", value_name = "NAME=LEVEL")]
    permissions: Vec<Permission>,
    /// Client ID of an App that is registered already: only sign in with it
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Where the App is registered [env: GHTOK_HOST] [default: github.com]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Where tokens are stored: auto, keychain, kernel or file [env: GHTOK_STORE] [default: auto]
    #[arg(long, value_name = "STORE")]
    store: Option<StoreChoice>,
    /// Print the address of the form and exit
    #[arg(long, conflicts_with = "client_id")]
    print: bool,
    #[command(flatten)]
    page: PageFlags,
}

impl NewAppFlags {
    /// As a `login` was asked that found no App.
    pub(crate) fn for_login(flags: &Flags, page: &PageFlags) -> Self {
        Self {
            host: flags.host.clone(),
            store: flags.store,
            page: page.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags {
            host: self.host.clone(),
            store: self.store,
            ..Flags::default()
        }
    }
}

/// One way to a new App.
pub(crate) struct NewApp<'a> {
    flags: &'a NewAppFlags,
    session: &'a Session<'a>,
    host: Host,
    screen: Screen,
    browser: BrowserOffer,
    environment: Environment,
}

/// The App, as far as it is known before the sign-in.
struct Registration {
    client_id: ClientId,
    app: RegisteredApp,
}

impl<'a> NewApp<'a> {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// If the name cannot be used.
    pub(crate) fn new(flags: &'a NewAppFlags, session: &'a Session<'a>) -> Result<Self> {
        if let Some(name) = &flags.name {
            check_name(name, session)?;
        }
        let environment = Environment::from_process();
        let desktop = Desktop::of(&environment);
        Ok(Self {
            flags,
            session,
            host: session.config.host_of_new_app(),
            screen: Screen::new(desktop.looks),
            browser: BrowserOffer::of(&desktop),
            environment,
        })
    }

    /// Leads to a stored sign-in.
    ///
    /// # Errors
    /// `Usage` where a person would have to be asked and none is here, `Cancelled`, or the error of the
    /// sign-in.
    pub(crate) fn run(&self) -> Result<u8> {
        if self.flags.print {
            let form = self.form(self.flags.preset.unwrap_or(Preset::Contributor));
            return Terminal.line(&form.address(&self.host)).map(|()| 0);
        }
        self.session.config.check_store()?;
        // The time zone can be read only while there is one thread.
        let clock = self.session.machine.clock;
        let _ = clock.local_time(clock.now());
        let mut registration = match &self.flags.client_id {
            Some(text) => Registration {
                client_id: parsed_id(text)?,
                app: RegisteredApp::default(),
            },
            None if Terminal.has_person() => self.register()?,
            None => return Err(nobody_here()),
        };
        loop {
            let Err(error) = self.sign_in(&registration) else {
                return Ok(0);
            };
            if !Terminal.has_person() {
                return Err(error);
            }
            match refusal(&error) {
                Some(ErrorCode::DeviceFlowDisabled | ErrorCode::UnauthorizedClient) => {
                    self.wait_for_the_box(&registration.app)?;
                }
                Some(ErrorCode::NotFound | ErrorCode::IncorrectClientCredentials) => {
                    let (id, host) = (&registration.client_id, &self.host);
                    self.screen.say(&format!(
                        "\n{host} knows no App with the client ID {id}. Copy it again from the App's page."
                    ));
                    registration.client_id = self.questions().client_id()?;
                }
                _ => return Err(error),
            }
        }
    }

    /// Has the person register an App, unless they have one.
    fn register(&self) -> Result<Registration> {
        let questions = self.questions();
        questions.explain();
        let form = match self.answer(&questions)? {
            Answer::HasApp => None,
            Answer::Register {
                organization,
                is_public,
                preset,
            } => Some(AppForm {
                organization,
                is_public,
                ..self.form(preset)
            }),
        };
        if let Some(form) = &form {
            self.show_form(form);
        }
        Ok(Registration {
            client_id: questions.client_id()?,
            app: form.map_or_else(RegisteredApp::default, |form| RegisteredApp {
                slug: form.slug(),
                organization: form.organization,
            }),
        })
    }

    /// What the flags say, and what they leave open.
    fn answer(&self, questions: &Questions<'_>) -> Result<Answer> {
        let flags = self.flags;
        let preset = flags.preset.or_else(|| {
            // The permissions are all there.
            (!flags.permissions.is_empty()).then_some(Preset::ReadOnly)
        });
        let owner_is_given = flags.org.is_some() || flags.public;
        match preset {
            None if !owner_is_given => questions.what_for(),
            None => Ok(self.given(questions.preset()?)),
            Some(preset) => Ok(self.given(preset)),
        }
    }

    fn given(&self, preset: Preset) -> Answer {
        Answer::Register {
            organization: self.flags.org.as_ref().map(ToString::to_string),
            is_public: self.flags.public,
            preset,
        }
    }

    /// The form as the flags say.
    fn form(&self, preset: Preset) -> AppForm {
        let flags = self.flags;
        let organization = flags.org.as_ref().map(ToString::to_string);
        let only_these = flags.preset.is_none() && !flags.permissions.is_empty();
        let mut permissions = if only_these {
            Vec::new()
        } else {
            preset.permissions()
        };
        permissions.retain(|known| !flags.permissions.iter().any(|more| more.is_same(known)));
        permissions.extend(flags.permissions.iter().cloned());
        let suggested = || {
            let user = self.environment.user_name();
            organization
                .clone()
                .or(user)
                .map(|whose| format!("ghtok-{whose}"))
        };
        AppForm {
            name: flags
                .name
                .clone()
                .or_else(suggested)
                .and_then(|name| AppForm::name_of(&name)),
            organization: organization.clone(),
            is_public: flags.public,
            permissions,
        }
    }

    fn show_form(&self, form: &AppForm) {
        let address = form.address(&self.host);
        let opened = match &self.browser {
            BrowserOffer::Opens(browser) if !self.flags.page.no_browser => {
                browser.open(&address, &self.host).is_ok()
            }
            BrowserOffer::Opens(_) | BrowserOffer::None(_) => false,
        };
        let how = if opened {
            "The form opens in your browser. Its address is also:"
        } else {
            "Open this form in a browser in which you are signed in:"
        };
        self.screen.say(&format!(
            "\n{how}\n\n{address}\n\n\
             1. Choose a name that is free, and check that \"Enable Device Flow\" is ticked.\n\
             2. Press \"Create GitHub App\".\n\
             3. Copy the Client ID (Iv23li…) from the page that follows. The App ID, which is a number, is \
             something else; a client secret or a private key is not needed.\n"
        ));
    }

    /// The device flow is off: what the form's address asked for was not heeded.
    fn wait_for_the_box(&self, app: &RegisteredApp) -> Result<()> {
        let page = self.host.apps_page(app.organization.as_deref());
        self.screen.say(&format!(
            "\nOne more step: the App does not allow the device flow yet.\n\n\
             1. Open the App's settings: {page}\n\
             2. Tick \"Enable Device Flow\" and save.\n"
        ));
        wait_for_enter()
    }

    fn sign_in(&self, registration: &Registration) -> Result<()> {
        let app = App {
            name: None,
            client_id: registration.client_id.clone(),
            host: self.host.clone(),
            account: None,
            owners: Vec::new(),
        };
        let configured = &self.session.config.apps;
        let known = configured.iter().find(|known| known.key() == app.key());
        let options = SignInOptions {
            present: Present::Keep,
            switch_account: false,
            no_save: false,
            json: false,
            page: self.flags.page.clone(),
            registered: registration.app.clone(),
        };
        let (app, name) = match known {
            Some(known) => (known, None),
            None => (&app, self.flags.name.as_deref()),
        };
        SignInRun::new(&options, self.session, app, name).run()
    }

    fn questions(&self) -> Questions<'_> {
        Questions {
            screen: &self.screen,
            host: &self.host,
        }
    }
}

/// Questions need a person; the form and the client ID can be had without one.
fn nobody_here() -> Error {
    Error::Usage {
        message: "app new: cannot ask questions (no terminal)".into(),
        hint: "print the form's address with:\n  ghtok app new --print\nregister the App there, then sign in with its client ID, for example:\n  ghtok app new --client-id Iv23liAbCdEf".into(),
    }
}

fn check_name(name: &str, session: &Session<'_>) -> Result<()> {
    check_app_name(name).map_err(|reason| Error::Config {
        origin: "NAME".into(),
        problem: format!("\"{}\" {reason}", name.escape_debug()),
    })?;
    match session.config.app_named(name) {
        Err(_) => Ok(()),
        Ok(_) => Err(Error::Usage {
            message: format!("an App named \"{name}\" is already configured"),
            hint: format!("give another name, or sign in with it:\n  ghtok login {name}"),
        }),
    }
}

fn parsed_id(text: &str) -> Result<ClientId> {
    ClientId::parse(text).map_err(|reason| Error::Config {
        origin: "--client-id".into(),
        problem: format!("the value {reason}"),
    })
}

/// GitHub's word, where it refused for good.
fn refusal(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::Refused { code, .. } => Some(ErrorCode::parse(code)),
        _ => None,
    }
}
