// What every harness holds: values as Rust text, a watch over calls that hang, and the two ways to run.
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

pub static WHICH: AtomicUsize = AtomicUsize::new(0);
static STEPS: AtomicU64 = AtomicU64::new(0);
static BARE: AtomicBool = AtomicBool::new(true);
const PATIENCE_MS: u64 = 500;

pub trait Written {
    fn written(&self) -> String;
    fn kind() -> String;
}
macro_rules! whole { ($($t:ty),*) => { $(impl Written for $t {
    fn written(&self) -> String { self.to_string() }
    fn kind() -> String { stringify!($t).to_string() }
})* } }
whole!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, bool);
macro_rules! real { ($($t:ident),*) => { $(impl Written for $t {
    fn written(&self) -> String {
        if self.is_finite() { format!("{self:?}") } else { "UNWRITABLE".to_string() }
    }
    fn kind() -> String { stringify!($t).to_string() }
})* } }
real!(f32, f64);
impl Written for char {
    fn written(&self) -> String { format!("{self:?}") }
    fn kind() -> String { "char".to_string() }
}
impl Written for String {
    fn written(&self) -> String {
        if BARE.load(Ordering::Relaxed) { format!("{self:?}") } else { format!("String::from({self:?})") }
    }
    fn kind() -> String { if BARE.load(Ordering::Relaxed) { "&str" } else { "String" }.to_string() }
}
impl Written for &'static str {
    fn written(&self) -> String { format!("{self:?}") }
    fn kind() -> String { "&str".to_string() }
}
impl Written for () {
    fn written(&self) -> String { "()".to_string() }
    fn kind() -> String { "()".to_string() }
}
impl<T: Written> Written for Vec<T> {
    fn written(&self) -> String {
        if self.is_empty() { return format!("Vec::<{}>::new()", T::kind()); }
        format!("vec![{}]", self.iter().map(T::written).collect::<Vec<_>>().join(", "))
    }
    fn kind() -> String { format!("Vec<{}>", T::kind()) }
}
impl<T: Written> Written for Option<T> {
    fn written(&self) -> String {
        match self { Some(value) => format!("Some({})", value.written()), None => "None".to_string() }
    }
    fn kind() -> String { format!("Option<{}>", T::kind()) }
}
impl<A: Written, B: Written> Written for (A, B) {
    fn written(&self) -> String { format!("({}, {})", self.0.written(), self.1.written()) }
    fn kind() -> String { format!("({}, {})", A::kind(), B::kind()) }
}
impl<K: Written + Ord, V: Written> Written for std::collections::HashMap<K, V> {
    fn written(&self) -> String {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        if pairs.is_empty() {
            return format!("std::collections::HashMap::<{}, {}>::new()", K::kind(), V::kind());
        }
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("({}, {})", k.written(), v.written())).collect();
        format!("std::collections::HashMap::from([{}])", pairs.join(", "))
    }
    fn kind() -> String { "std::collections::HashMap<_, _>".to_string() }
}

pub fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

pub fn say(text: &str) {
    STEPS.fetch_add(1, Ordering::SeqCst);
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn watched(work: impl FnOnce() + Send + 'static) {
    let worker = std::thread::spawn(work);
    let mut seen = (STEPS.load(Ordering::SeqCst), std::time::Instant::now());
    while !worker.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(1));
        let steps = STEPS.load(Ordering::SeqCst);
        if steps != seen.0 {
            seen = (steps, std::time::Instant::now());
        } else if seen.1.elapsed().as_millis() as u64 > PATIENCE_MS {
            let _ = std::io::stdout().write_all(b"T");
            let _ = std::io::stdout().flush();
            std::process::exit(3);
        }
    }
}

/// Orders on standard input: "survey START", "time VARIANT", or "run VARIANT START WANTED" with a 0 or 1 for each input.
fn main() {
    BARE.store(BARE_TEXT, Ordering::Relaxed);
    std::panic::set_hook(Box::new(|_| {}));
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    let words: Vec<String> = order.split_whitespace().map(str::to_string).collect();
    watched(move || match words[0].as_str() {
        "survey" => survey(words[1].parse().unwrap()),
        "time" => time(words[1].parse().unwrap()),
        _ => run(
            words[1].parse().unwrap(),
            words[2].parse().unwrap(),
            words.get(3).map_or(&b""[..], |wanted| wanted.as_bytes()),
        ),
    });
}

fn time(which: usize) {
    WHICH.store(which, Ordering::SeqCst);
    let begun = std::time::Instant::now();
    plus();
    say(&begun.elapsed().as_micros().to_string());
}

fn right(k: usize, which: usize) -> Option<Out> {
    WHICH.store(which, Ordering::SeqCst);
    caught(|| call(k))
}

fn survey(start: usize) {
    for k in start..inputs::ALL.len() {
        say(&format!("\n{k} "));
        if caught(|| inside(k)) != Some(true) { say("outside"); continue; }
        let begun = std::time::Instant::now();
        let Some(expected) = right(k, 0) else { say("panics"); continue };
        let micros = begun.elapsed().as_micros();
        let text = expected.written();
        if text.contains("UNWRITABLE") { say("unwritable"); continue; }
        if right(k, 0).map(|again| again.written()) != Some(text.clone()) { say("unsteady"); continue; }
        let agreed = !SECOND || match right(k, 1) { Some(got) => same(k, got, right(k, 0).unwrap()), None => false };
        if !agreed {
            let other = right(k, 1).map_or("panic".to_string(), |got| got.written());
            say(&format!("differs {text:?} from {other:?}"));
            continue;
        }
        if !holds(k, right(k, 0).unwrap()) { say(&format!("unholding {text:?}")); continue; }
        say(&format!("ok {micros} {text:?}"));
    }
    say("\nend");
}

fn run(which: usize, start: usize, wanted: &[u8]) {
    if start == 0 {
        WHICH.store(which, Ordering::SeqCst);
        let passed = base();
        say(if passed { "B" } else { "b" });
        say(if passed && plus() { "P" } else { "p" });
    }
    for k in start..wanted.len() {
        if wanted[k] != b'1' { say("-"); continue; }
        let expected = right(k, 0).unwrap();
        let told = match right(k, which) {
            None => "p",
            Some(got) => if caught(|| same(k, got, expected)) == Some(true) { "=" } else { "x" },
        };
        say(told);
    }
    say("E");
}
