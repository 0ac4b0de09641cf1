//! What the project's own tests, fuzz targets and test programs use of ghtok.

#![allow(missing_docs, reason = "each item is described where it is defined")]

pub mod app {
    pub use crate::app::{AccountName, App, ClientId, RecordKey};
}

pub mod auth {
    pub mod broker {
        pub use crate::auth::broker::{Broker, Served, github_error, store_error};
    }
    pub mod device_flow {
        pub use crate::auth::device_flow::DeviceFlow;
    }
    pub mod outcome {
        pub use crate::auth::outcome::{
            Attempt, FailedConnections, FailureCause, Happened, NetworkId, Outcome, Scope,
            SharedFailure,
        };
    }
    pub mod ports {
        pub use crate::auth::ports::{
            AuthorizationServer, Clock, Event, Exchange, LockedStore, Observer, OutcomeVersion,
            Prompt, Refresher, Step, StoreError, TokenStore,
        };
    }
    pub mod reach {
        pub use crate::auth::reach::{Installation, Installations, Reach, Selection};
    }
    pub mod record {
        pub use crate::auth::record::{
            Account, Decision, Intent, Record, RefreshRejected, Rejected, RescueKey, Want,
        };
    }
    pub mod refresh {
        pub use crate::auth::refresh::Refresh;
    }
    pub mod rejection {
        pub use crate::auth::rejection::mark_rejected;
    }
    pub mod scope {
        pub use crate::auth::scope::{Permission, Permissions, TokenScope};
    }
    pub mod scoped_tokens {
        pub use crate::auth::scoped_tokens::{LockedScopedStore, ScopedStore, ScopedTokens};
        pub mod list {
            pub use crate::auth::scoped_tokens::list::{HandedOut, NoRoom, ScopedList, Use};
        }
    }
    pub mod sign_in_record {
        pub use crate::auth::sign_in_record::{Stored, delete_sign_in, save_sign_in};
    }
}

#[cfg(target_os = "linux")]
pub mod bus {
    pub use crate::bus::SessionBus;
}

pub mod cli {
    pub use crate::cli::Cli;
}

pub mod commands {
    pub use crate::commands::Unseparated;
    pub mod exec {
        pub use crate::commands::exec::no_command;
    }
    pub mod git_credential {
        pub use crate::commands::git_credential::erase;
    }
    pub mod schedule {
        pub mod check {
            pub use crate::commands::schedule::check::{AppOutcome, CheckSettings, check};
        }
    }
    pub mod setup {
        pub mod mcp {
            pub use crate::commands::setup::mcp::{McpSetup, ServerKind};
        }
    }
}

pub mod config {
    #[cfg(fuzzing)]
    pub use crate::config::apps_of;
    pub use crate::config::{
        Browsers, Config, Desktop, Environment, Flags, ScheduleRules, add_app,
    };
}

pub mod error {
    pub use crate::error::{
        Discarded, Error, HostError, NoScopedToken, Result, SandboxProblem, ScopedTokenProblem,
        SignInReason, StoredTokens,
    };
}

pub mod formats {
    pub mod git_credential {
        pub use crate::formats::git_credential::{Attributes, CredentialRequest};
    }
    pub mod json_rpc {
        pub use crate::formats::json_rpc::{Line, Members, Message, read, with_ids};
    }
    pub mod mcp_client {
        pub use crate::formats::mcp_client::{Client, ClientFolders};
    }
    pub mod plain_text {
        pub use crate::formats::plain_text::is_treacherous;
    }
    pub mod sse {
        pub use crate::formats::sse::{EventTooLong, SseEvent, SseParser};
    }
    pub mod timestamps {
        pub use crate::formats::timestamps::rfc3339;
    }
}

pub mod github {
    #[cfg(fuzzing)]
    pub use crate::github::granted;
    pub use crate::github::{
        ConnectStage, DeviceAuthorization, ErrorCode, GitHub, GrantedTokens, HttpError,
        Installation, Installations, Network, Poll, ProxySetting, RefreshConnection, Refreshed,
        RepositoryName, RequestFailure, ScopedGrant, ScopedTokenAnswer, ScopedTokenRequest,
        Selection, TokenDeletion, UserAnswer,
    };
}

pub mod host {
    pub use crate::host::{Host, Inherited};
    pub mod token_env {
        pub use crate::host::token_env::{EnvPlan, OtherTokens, Recipient, TokenVariable, plan};
    }
}

pub mod limits {
    pub use crate::limits::Limits;
}

pub mod mcp {
    pub mod conversation {
        pub use crate::mcp::conversation::{
            Action, Asking, Conversation, Ended, Event, Now, Remedy, Restarts, SavedGeneration,
            Settings, Timing, TokenError, TokenInfo, Unanswered,
        };
    }
    pub mod line {
        pub use crate::mcp::line::Line;
    }
    pub mod messages {
        pub use crate::mcp::messages::UserCode;
    }
}

pub mod permits {
    pub use crate::permits::{DeviceFlowPermit, HeldLock, RefreshPermit, UnlockPermit};
}

pub mod schedule {
    pub mod notes {
        pub use crate::schedule::notes::RunResult;
    }
}

pub mod session {
    pub use crate::session::{Call, Holder, IssuedToken, SignInTokens, TokenSource, login_command};
}

pub mod store {
    pub use crate::store::{Listing, RecordStore, ScopedItems, Slot};
    pub mod chosen_store {
        pub use crate::store::chosen_store::read;
    }
    pub mod dialog {
        pub use crate::store::dialog::SharedDialog;
    }
    pub mod file {
        pub use crate::store::file::FileSlot;
    }
    #[cfg(target_os = "linux")]
    pub mod kernel {
        pub use crate::store::kernel::{KernelSlot, is_available};
    }
    pub mod reach {
        pub use crate::store::reach::{read, write};
    }
    pub mod record {
        pub use crate::store::record::{decode, encode};
    }
    #[cfg(target_os = "linux")]
    pub mod secret_service {
        pub use crate::store::secret_service::{SecretService, SecretServiceSlot};
    }
    pub mod state_folder {
        pub use crate::store::state_folder::StateFolder;
    }
}

pub mod system {
    pub mod browser {
        pub use crate::system::browser::Browser;
    }
    pub mod clock {
        pub use crate::system::clock::SystemClock;
    }
    pub mod notes {
        pub use crate::system::notes::StderrNotes;
    }
    pub mod notification {
        pub use crate::system::notification::Notice;
    }
    pub mod terminal {
        pub use crate::system::terminal::Terminal;
    }
}

pub mod token {
    pub use crate::token::{
        AccessToken, ClientSecret, DeviceCode, Expiring, MinTtl, RefreshToken, Timestamp, TokenSet,
    };
}
