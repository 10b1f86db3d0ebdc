//! Compares the engines.
#[path = "engines/two_phase.rs"]
mod two_phase;
#[path = "engines/words.rs"]
mod words;
use stateright::{Checker, Model};
use syncsplit_checker::engine::{Options, StopAt, packed};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u32 = args[2].parse().unwrap();
    let threads: usize = args[3].parse().unwrap();
    let m = two_phase::TwoPhase { rms: n };
    let t = std::time::Instant::now();
    match args[1].as_str() {
        "packed" => {
            let o = packed::run(
                &m,
                &Options { threads, stop: StopAt::Exhaust, kind: None, ..Options::default() },
            )
            .unwrap();
            println!(
                "distinct {} gen {} depth {:?} s {:.3} verdicts {:?}",
                o.distinct,
                o.transitions + 1,
                o.depth,
                o.seconds,
                o.properties.iter().map(|p| p.verdict).collect::<Vec<_>>()
            );
            println!(
                "peak {:.1} MB {:.2} B/state",
                o.peak_bytes.unwrap() as f64 / 1e6,
                o.peak_bytes.unwrap() as f64 / o.distinct as f64
            );
        }
        "wdfs" => {
            let m = words::InWords { rms: n };
            let c = m.checker().threads(threads).spawn_dfs().join();
            println!("{} {}", c.unique_state_count(), c.state_count());
        }
        "wbfs" => {
            let m = words::InWords { rms: n };
            let c = m.checker().threads(threads).spawn_bfs().join();
            println!("{} {}", c.unique_state_count(), c.state_count());
        }
        "dfs" => {
            let c = m.checker().threads(threads).spawn_dfs().join();
            println!("{} {}", c.unique_state_count(), c.state_count());
        }
        "bfs" => {
            let c = m.checker().threads(threads).spawn_bfs().join();
            println!("{} {}", c.unique_state_count(), c.state_count());
        }
        _ => {}
    }
    println!("wall {:.3}", t.elapsed().as_secs_f64());
}
