//! How long launching and binding take. Prints medians; holds only generous bounds, as machines differ.

use std::time::{Duration, Instant};

use crate::support::{gone, limits, program, server};

#[tokio::test]
async fn launch_and_bind_are_quick() {
    let server = server().await;
    let code = server.folder_with("code", "a", "a");
    let (mut launches, mut binds, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..60 {
        let started = Instant::now();
        let sandbox = server.sandboxes.launch(program("/bin/sleep", &["1000"])).await.unwrap();
        launches.push(started.elapsed());
        let started = Instant::now();
        sandbox.bind(&code, None, &limits()).await.unwrap();
        binds.push(started.elapsed());
        let started = Instant::now();
        sandbox.kill();
        gone(sandbox.handle()).await;
        ends.push(started.elapsed());
        // As between invocations that start one: lets the spawner make the next network.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for (what, times) in [("launch", &mut launches), ("bind", &mut binds), ("kill and clean up", &mut ends)] {
        times.sort();
        println!(
            "{what}: median {:?}, best {:?}, worst {:?}",
            times[times.len() / 2],
            times[0],
            times[times.len() - 1]
        );
        assert!(times[times.len() / 2] < Duration::from_millis(100), "{what} is slow");
    }
}
