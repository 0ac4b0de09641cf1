//! A timer as a task of the Windows Task Scheduler (its XML schema, version 1.2).

use crate::schedule::Timer;
use crate::schedule::xml::escaped;

/// The task's name.
pub(super) const TASK: &str = "ghtok schedule";

/// The task. A missed run is made up for, the machine is not woken, nothing is shown: the console
/// host runs the program without a window.
pub(super) fn task(timer: &Timer) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         \x20 <RegistrationInfo>\r\n\
         \x20   <Description>Keeps GitHub sign-ins alive. Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away.</Description>\r\n\
         \x20 </RegistrationInfo>\r\n\
         \x20 <Triggers>\r\n\
         \x20   <CalendarTrigger>\r\n\
         \x20     <Repetition>\r\n\
         \x20       <Interval>PT1H</Interval>\r\n\
         \x20       <Duration>P1D</Duration>\r\n\
         \x20     </Repetition>\r\n\
         \x20     <StartBoundary>2026-01-01T00:{minute:02}:00</StartBoundary>\r\n\
         \x20     <ScheduleByDay>\r\n\
         \x20       <DaysInterval>1</DaysInterval>\r\n\
         \x20     </ScheduleByDay>\r\n\
         \x20   </CalendarTrigger>\r\n\
         \x20 </Triggers>\r\n\
         \x20 <Principals>\r\n\
         \x20   <Principal id=\"Author\">\r\n\
         \x20     <LogonType>InteractiveToken</LogonType>\r\n\
         \x20     <RunLevel>LeastPrivilege</RunLevel>\r\n\
         \x20   </Principal>\r\n\
         \x20 </Principals>\r\n\
         \x20 <Settings>\r\n\
         \x20   <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\r\n\
         \x20   <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\r\n\
         \x20   <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\r\n\
         \x20   <StartWhenAvailable>true</StartWhenAvailable>\r\n\
         \x20   <Hidden>true</Hidden>\r\n\
         \x20   <WakeToRun>false</WakeToRun>\r\n\
         \x20   <ExecutionTimeLimit>PT30M</ExecutionTimeLimit>\r\n\
         \x20 </Settings>\r\n\
         \x20 <Actions Context=\"Author\">\r\n\
         \x20   <Exec>\r\n\
         \x20     <Command>conhost.exe</Command>\r\n\
         \x20     <Arguments>{arguments}</Arguments>\r\n\
         \x20   </Exec>\r\n\
         \x20 </Actions>\r\n\
         </Task>\r\n",
        minute = timer.minute,
        arguments = escaped(&arguments(timer)),
    )
}

/// What the console host is given.
fn arguments(timer: &Timer) -> String {
    let words: Vec<String> = timer.command().map(quoted).collect();
    format!("--headless {}", words.join(" "))
}

/// Whether a task, in whatever form the scheduler prints it, runs the timer's command at its minute.
pub(super) fn is_in(timer: &Timer, text: &str) -> bool {
    let command = format!("<Arguments>{}</Arguments>", escaped(&arguments(timer)));
    let minute = format!("T00:{:02}:00", timer.minute);
    text.contains(&command) && text.contains(&minute)
}

/// What `schtasks /xml` reads: UTF-16 with its mark.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// A word as the C runtime takes command lines apart: backslashes count before a quote only.
fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && c != '"';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from('"');
    let mut backslashes = 0;
    for c in word.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                text.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        text.push(c);
    }
    text + &"\\".repeat(backslashes) + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_the_c_runtime_reads_them() {
        for (word, written) in [
            (r"C:\bin\ghtok.exe", r"C:\bin\ghtok.exe"),
            (r"C:\my bin\ghtok.exe", r#""C:\my bin\ghtok.exe""#),
            (r"C:\my bin\", r#""C:\my bin\\""#),
            (r#"a"b"#, r#""a\"b""#),
            (r#"a\"b"#, r#""a\\\"b""#),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(word), written);
        }
    }

    #[test]
    fn the_file_is_utf16_with_its_mark() {
        assert_eq!(bytes("a€"), [0xff, 0xfe, b'a', 0, 0xac, 0x20]);
    }
}
