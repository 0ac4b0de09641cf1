//! A timer as the property list of a launchd agent (launchd.plist(5)).

use crate::schedule::Timer;
use crate::schedule::xml::escaped;

/// The agent's label.
pub(super) const LABEL: &str = "ghtok.schedule";

/// The file of the agent.
pub(super) fn file() -> String {
    format!("{LABEL}.plist")
}

/// The agent. launchd makes up for one run that the machine slept through, and does not wake it.
pub(super) fn agent(timer: &Timer) -> String {
    let words: String = timer
        .command()
        .map(|word| format!("    <string>{}</string>\n", escaped(word)))
        .collect();
    let pairs: String = timer
        .environment
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escaped(name), escaped(value));
            format!("    <key>{name}</key>\n    <string>{value}</string>\n")
        })
        .collect();
    let environment = if pairs.is_empty() {
        String::new()
    } else {
        format!("  <key>EnvironmentVariables</key>\n  <dict>\n{pairs}  </dict>\n")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <!-- Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away. -->\n\
         <plist version=\"1.0\">\n\
         <dict>\n\
         \x20 <key>Label</key>\n\
         \x20 <string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n\
         \x20 <array>\n\
         {words}\
         \x20 </array>\n\
         {environment}\
         \x20 <key>StartCalendarInterval</key>\n\
         \x20 <dict>\n\
         \x20   <key>Minute</key>\n\
         \x20   <integer>{minute}</integer>\n\
         \x20 </dict>\n\
         \x20 <key>ProcessType</key>\n\
         \x20 <string>Background</string>\n\
         \x20 <key>AbandonProcessGroup</key>\n\
         \x20 <true/>\n\
         </dict>\n\
         </plist>\n",
        minute = timer.minute,
    )
}
