//! What Ctrl-C, a closed terminal and a request to end do to this process.

#[cfg(unix)]
mod platform {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
    use std::time::Duration;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ};
    use signal_hook::iterator::Signals;
    use signal_hook::{flag, low_level};

    use crate::system::terminal::Terminal;

    /// What to say when this signal ends the process.
    type Word = dyn Fn(i32) -> String + Send;

    const ENDING: [i32; 3] = [SIGINT, SIGHUP, SIGTERM];

    /// Limits of file size and processor time that end a process by default. Caught, the first is an
    /// error of the write, which can be told.
    const LIMITS: [i32; 2] = [SIGXFSZ, SIGXCPU];

    /// INT, HUP, TERM and the signals of limits kept from ending this process. A refresh that has begun
    /// must end: between `intent` and the stored pair, an end would lose the sign-in. Every wait in it
    /// is bounded.
    #[derive(Debug)]
    pub(crate) struct BlockedSignals {
        over: Arc<AtomicBool>,
        came: Vec<(i32, Arc<AtomicBool>)>,
    }

    impl BlockedSignals {
        /// Blocks them until this is dropped.
        pub(crate) fn block() -> Self {
            let over = Arc::new(AtomicBool::new(false));
            let hold = |signal| {
                let came = Arc::new(AtomicBool::new(false));
                flag::register(signal, Arc::clone(&came)).ok()?;
                flag::register_conditional_default(signal, Arc::clone(&over)).ok()?;
                Some((signal, came))
            };
            for signal in LIMITS {
                let _ = flag::register(signal, Arc::default());
            }
            let came = ENDING.into_iter().filter_map(hold).collect();
            Self { over, came }
        }
    }

    impl Drop for BlockedSignals {
        /// A signal that came meanwhile has its effect now.
        fn drop(&mut self) {
            self.over.store(true, Ordering::SeqCst);
            for (signal, came) in self.came.drain(..) {
                if came.load(Ordering::SeqCst) {
                    let _ = low_level::emulate_default_handler(signal);
                }
            }
        }
    }

    /// A terminal that takes nothing (Ctrl-S) keeps no process alive that is to end.
    const TIME_TO_SAY: Duration = Duration::from_millis(500);

    /// Held while something is done that a signal must not cut in half.
    static EXIT: Mutex<()> = Mutex::new(());

    /// Ends the process on INT, HUP or TERM with a word instead of silently. The end is the
    /// signal's own, so that a calling shell sees it.
    pub(crate) fn exit_with_message(word: Box<Word>) {
        let Ok(mut signals) = Signals::new(ENDING) else {
            return;
        };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let _exclusive = delay_exit();
                let (said, is_said) = mpsc::channel();
                let speaker = std::thread::Builder::new().spawn(move || {
                    Terminal.say(&word(signal));
                    let _ = said.send(());
                });
                drop(speaker);
                let _ = is_said.recv_timeout(TIME_TO_SAY);
                let _ = low_level::emulate_default_handler(signal);
            }
        });
    }

    /// Tells of INT, HUP and TERM instead of ending the process; not of those that a caller has it ignore
    /// (nohup(1), a shell's background jobs).
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(crate) fn on_signal(listener: Box<dyn Fn(i32) + Send>) -> io::Result<()> {
        on(&ENDING, listener)
    }

    /// As [`on_signal`], and of QUIT too.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(crate) fn on_signal_or_quit(listener: Box<dyn Fn(i32) + Send>) -> io::Result<()> {
        on(&[SIGINT, SIGHUP, SIGTERM, SIGQUIT], listener)
    }

    fn on(signals: &[i32], listener: Box<dyn Fn(i32) + Send>) -> io::Result<()> {
        let heeded = signals.iter().filter(|signal| !is_ignored(**signal));
        let mut signals = Signals::new(heeded)?;
        std::thread::Builder::new().spawn(move || signals.forever().for_each(listener))?;
        Ok(())
    }

    #[expect(unsafe_code, reason = "no safe call reads what a signal does")]
    fn is_ignored(signal: i32) -> bool {
        // SAFETY: zeroes are a valid `sigaction`, which the call only writes; nothing is changed.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0
                && now.sa_sigaction == libc::SIG_IGN
        }
    }

    /// Until the guard is dropped, no signal ends the process.
    pub(crate) fn delay_exit() -> MutexGuard<'static, ()> {
        EXIT.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(unix))]
mod platform {
    /// A detached process gets no console events; there is nothing to block.
    #[derive(Debug)]
    pub(crate) struct BlockedSignals;

    impl BlockedSignals {
        /// Blocks nothing.
        pub(crate) fn block() -> Self {
            Self
        }
    }

    /// The system's own way to end a console program is kept.
    pub(crate) fn exit_with_message(_: Box<dyn Fn(i32) -> String + Send>) {}

    /// The system's own way to end a console program is kept.
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    pub(crate) fn on_signal(_: Box<dyn Fn(i32) + Send>) -> std::io::Result<()> {
        Ok(())
    }

    /// Stands for a guard.
    #[derive(Debug)]
    pub(crate) struct ExitDelay;

    /// There is nothing to keep away.
    pub(crate) fn delay_exit() -> ExitDelay {
        ExitDelay
    }
}

#[cfg(unix)]
pub(crate) use platform::on_signal_or_quit;
pub(crate) use platform::{BlockedSignals, delay_exit, exit_with_message, on_signal};
