//! Puts `exec` together: each variable with the token of its App.

use crate::Root;
use crate::app::App;
use crate::cli;
use crate::commands::exec;
use crate::config::Environment;
use crate::error::Result;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

impl Root<'_> {
    pub(crate) fn exec(&self, arguments: &cli::Exec, is_verbose: bool) -> Result<u8> {
        if let Some(missing) = arguments.missing() {
            let apps: Vec<&str> = self.config.all_apps().map(App::label).collect();
            return Err(exec::without_dashes(&missing.words, &missing.head, &apps));
        }
        let input = arguments.input(is_verbose);
        let grants = self.grants(&input)?;
        // Before a token is asked for: a plan that cannot be costs no refresh.
        let plan = exec::plan(&grants, input.others, &Environment::inherited_by_tools())?;
        let tokens = self.tokens(&input, &grants)?;
        exec::run(&input, &plan, &tokens, Terminal)
    }

    fn grants(&self, input: &exec::Input) -> Result<Vec<exec::Grant<'_>>> {
        let mut grants = Vec::new();
        for (variable, name) in input.wanted() {
            let app = match name {
                Some(name) => self.config.app_named(name)?,
                None => self.config.app(None)?,
            };
            let variables = match variable {
                Some(variable) => vec![variable],
                None => app.host.variables().token_names.to_vec(),
            };
            grants.extend(variables.into_iter().map(|variable| exec::Grant {
                variable: variable.to_owned(),
                app,
            }));
        }
        Ok(grants)
    }

    /// A token for each grant; one for each App.
    fn tokens(&self, input: &exec::Input, grants: &[exec::Grant<'_>]) -> Result<Vec<AccessToken>> {
        let mut tokens: Vec<AccessToken> = Vec::with_capacity(grants.len());
        for grant in grants {
            let mut before = grants.iter().zip(&tokens);
            let same = before.find_map(|(other, token)| (other.app == grant.app).then_some(token));
            let token = match same.cloned() {
                Some(token) => token,
                None => {
                    let usual = self.config.min_ttl;
                    self.with_call(grant.app, |call| exec::token(input, usual, call))?
                }
            };
            tokens.push(token);
        }
        Ok(tokens)
    }
}
