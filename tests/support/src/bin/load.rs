//! load: puts a fixed rate of requests on a server of this machine, and tells what became of them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use support::load::Load;

/// Puts a fixed rate of requests on a server of this machine, and tells what became of them.
///
/// A latency counts from the time that a request was due. Who answered is taken from the headers X-Instance and
/// X-Release of the answers. The exit status is 0 if no request failed, 1 if one did, 2 for bad usage.
#[derive(Parser)]
struct Arguments {
    /// A loopback address, such as `http://127.0.0.1:8080/`
    #[arg(long)]
    url: String,
    /// Requests per second over kept connections
    #[arg(long, value_name = "RATE", default_value_t = 0)]
    keep_alive: u32,
    /// Requests per second with a new connection each
    #[arg(long, value_name = "RATE", default_value_t = 0)]
    new: u32,
    /// Requests per second for slow?ms=300, with a new connection each
    #[arg(long, value_name = "RATE", default_value_t = 0)]
    slow: u32,
    /// How long, at most 600
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Tell it to a machine
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Load::on(&arguments.url).and_then(|load| {
        load.keep_alive(arguments.keep_alive)
            .new_connections(arguments.new)
            .slow(arguments.slow)
            .at_most(Duration::from_secs(arguments.seconds))
            .start()
    });
    let report = match started {
        Ok(running) => running.finish(),
        Err(error) => {
            eprintln!("load: {error}");
            return ExitCode::from(2);
        }
    };
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    ExitCode::from(u8::from(report.failed() > 0))
}
