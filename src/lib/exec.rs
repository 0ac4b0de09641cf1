//! Puts `exec` together: each variable with the token of its App.

use crate::Root;
use crate::app::App;
use crate::cli;
use crate::commands::exec;
use crate::error::Result;
use crate::steps::Detail;
use crate::system::terminal::Terminal;

impl Root<'_> {
    pub(crate) fn exec(&self, arguments: &cli::Exec, detail: Detail) -> Result<u8> {
        if let Some(missing) = arguments.missing() {
            let apps: Vec<&str> = self.config.all_apps().map(App::label).collect();
            return Err(exec::without_dashes(&missing.words, &missing.head, &apps));
        }
        let input = arguments.input(detail);
        let mut grants: Vec<exec::Grant<'_>> = Vec::new();
        for (variable, name) in input.wanted() {
            let app = match name {
                Some(name) => self.config.app_named(name)?,
                None => self.config.app(None)?,
            };
            let variables = match variable {
                Some(variable) => vec![variable],
                None => app.host.variables().token_names.to_vec(),
            };
            let same = grants.iter().find(|grant| grant.app == app);
            let token = match same.map(|grant| grant.token.clone()) {
                Some(token) => token,
                None => {
                    let usual = self.config.min_ttl;
                    self.with_call(app, |call| exec::token(&input, usual, call))?
                }
            };
            grants.extend(variables.into_iter().map(|variable| exec::Grant {
                variable: variable.to_owned(),
                app,
                token: token.clone(),
            }));
        }
        let inherited = exec::Inherited {
            hosts: &self.config.inherited,
            tokens: &self.config.inherited_tokens,
        };
        let plan = exec::plan(grants, input.others, inherited)?;
        exec::run(&input, &plan, Terminal)
    }
}
