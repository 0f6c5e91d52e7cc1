//! How long launching and binding take. Prints medians; holds only generous bounds, as machines differ.

use std::time::{Duration, Instant};

use crate::ahead::until_made;
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
    server.sandboxes.make_ahead(2);
    let mut ahead = Vec::new();
    for _ in 0..60 {
        until_made(&server, 2).await;
        let started = Instant::now();
        let mut spec = program("/bin/sleep", &["1000"]);
        spec.code = Some(code.clone());
        let sandbox = server.sandboxes.launch(spec).await.unwrap();
        ahead.push(started.elapsed());
        sandbox.kill();
        gone(sandbox.handle()).await;
    }
    for (what, times) in [
        ("launch", &mut launches),
        ("launch made ahead", &mut ahead),
        ("bind", &mut binds),
        ("kill and clean up", &mut ends),
    ] {
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
