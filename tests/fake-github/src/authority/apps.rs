//! Registering an App, and looking one up by its slug.

use super::Authority;
use crate::app::{App, DeviceFlow, Installation, Level, Permissions, Registration};
use crate::chance;

/// An App as the form has it.
#[derive(Debug)]
pub(crate) struct NewApp {
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) device_flow: DeviceFlow,
    pub(crate) permissions: Permissions,
}

impl Authority {
    /// Registers an App that is installed nowhere, and returns its client ID; or what the form says is
    /// wrong.
    pub(crate) fn register(&mut self, new: NewApp) -> Result<String, &'static str> {
        let registration = Registration::new(new.name, new.owner);
        if registration.slug.is_empty() {
            return Err("Name can't be blank");
        }
        if self.app_of_slug(&registration.slug).is_some() {
            return Err("Name is already taken");
        }
        let client_id = format!("Iv23li{}", chance::text(chance::ALPHANUMERIC, 14));
        let mut app = App::new(&client_id)
            .device_flow(new.device_flow)
            .installation(Installation::Nowhere);
        app.registration = Some(registration);
        app.permissions = new.permissions;
        app.permissions.insert("metadata".into(), Level::Read);
        self.apps.push(app);
        Ok(client_id)
    }

    pub(crate) fn app_of_slug(&self, slug: &str) -> Option<&App> {
        let is_it = |app: &&App| {
            let registration = app.registration.as_ref();
            registration.is_some_and(|registration| registration.slug == slug)
        };
        self.apps.iter().find(is_it)
    }

    /// The owner ticks "Enable Device Flow"; false if there is no such App.
    #[must_use]
    pub(crate) fn enable_device_flow(&mut self, client_id: &str) -> bool {
        let app = self.apps.iter_mut().find(|app| app.client_id == client_id);
        app.map(|app| app.device_flow = DeviceFlow::Enabled)
            .is_some()
    }
}
