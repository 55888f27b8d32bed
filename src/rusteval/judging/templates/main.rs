// The root of a judged program. It shares no names with the answer and runs the checks by itself: no test
// framework, no macro, no attribute of the answer has a say in what runs or in what is reported.
#![allow(dead_code)]

#[path = "problem.rs"]
mod problem;

unsafe extern "C" {
    fn prctl(option: i32, ...) -> i32;
    fn _exit(code: i32) -> !;
}

const PR_SET_DUMPABLE: i32 = 4;
const STACK_BYTES: usize = 64 << 20;

// Read before anything of the answer runs: whether a report counts is decided by words that the answer never saw.
// Standard input holds one line: a word for reports in which every test passed, and optionally another one for
// all other reports, so that an answer that steals the report of a failure has nothing to forge a success with.
fn read_nonces() -> (::std::string::String, ::std::string::String) {
    let mut line = ::std::string::String::new();
    let read = ::std::io::stdin().read_line(&mut line).is_ok();
    let mut words = line.split_whitespace();
    match words.next() {
        Some(passed) if read => (passed.to_string(), words.next().unwrap_or(passed).to_string()),
        _ => unsafe { _exit(2) },
    }
}

fn message(payload: &(dyn ::std::any::Any + Send)) -> &str {
    match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<::std::string::String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "",
    }
}

// A test passes if it returns, or if it must panic and does so with the text it announced.
fn passes(name: &str, test: fn(), expected_panic: Option<&str>) -> bool {
    let thread = ::std::thread::Builder::new().name(name.to_string()).stack_size(STACK_BYTES).spawn(test);
    match (thread.map(::std::thread::JoinHandle::join), expected_panic) {
        (Ok(Ok(())), None) => true,
        (Ok(Err(payload)), Some(text)) => {
            let announced = message(&*payload).contains(text);
            ::std::mem::forget(payload);
            announced
        }
        (Ok(Err(payload)), None) => {
            ::std::mem::forget(payload);
            false
        }
        _ => false,
    }
}

fn main() {
    // Nobody else's memory, nor this program's own through /proc, is open to the answer; and its report goes to
    // a descriptor that closing standard output does not close.
    unsafe { prctl(PR_SET_DUMPABLE, 0usize, 0usize, 0usize, 0usize) };
    let (passed_nonce, other_nonce) = read_nonces();
    let output = ::std::os::fd::AsFd::as_fd(&::std::io::stdout()).try_clone_to_owned();
    let Ok(descriptor) = output else { unsafe { _exit(2) } };
    let mut output = ::std::fs::File::from(descriptor);

    let tests = problem::answer::rusteval_checks::RUSTEVAL_TESTS;
    let mut results = ::std::vec::Vec::new();
    for (name, test, expected_panic) in tests {
        results.push((*name, passes(name, *test, *expected_panic)));
    }
    let all_passed = results.iter().all(|(_, passed)| *passed);
    let nonce = if all_passed { passed_nonce } else { other_nonce };
    let mut report = ::std::string::String::from("\n");
    for (name, passed) in &results {
        report.extend([nonce.as_str(), " test ", name, if *passed { " ok\n" } else { " failed\n" }]);
    }
    report.extend([nonce.as_str(), " done ", results.len().to_string().as_str(), "\n"]);
    let written = ::std::io::Write::write_all(&mut output, report.as_bytes()).is_ok();
    unsafe { _exit(if all_passed && written { 0 } else { 101 }) }
}
