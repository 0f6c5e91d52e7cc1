//! What a program can see and change.

use std::fs;

use crate::support::{finish, limits, line, server, shell};

#[tokio::test]
async fn the_hosts_files_are_invisible() {
    let server = server().await;
    let secret = server.folder_with("data", "secret.txt", "top secret");
    let script = format!(
        "cat {}/secret.txt && echo LEAK; \
         for path in {} /root /home /work /boot /mnt /media /srv /sys /run /etc/shadow /etc/ssh /var/log /var/lib /dev/vda /dev/mem /dev/tty /dev/shm; do \
           if [ -e $path ]; then echo LEAK $path; fi; \
         done; ls /tmp /opt /var/task /var/runtime; echo done",
        secret.display(),
        server.folder.path().display(),
    );
    let output = server.run(shell(&script)).await;
    assert!(!output.stdout.contains("LEAK"), "{output:?}");
    assert!(!output.stdout.contains("secret.txt"), "{output:?}");
    assert!(output.stdout.ends_with("done\n"), "{output:?}");
}

#[tokio::test]
async fn only_tmp_can_be_written() {
    let server = server().await;
    let code = server.folder_with("code", "index.js", "");
    let mut spec = shell(
        "for folder in / /usr /usr/bin /bin /etc /dev /proc /opt /var /var/task /var/runtime /proc/sys/kernel; do \
           (echo x > $folder/file) 2>/dev/null && echo WROTE $folder; \
         done; \
         (echo x >> /etc/passwd) 2>/dev/null && echo WROTE; \
         (echo x > /var/task/index.js) 2>/dev/null && echo WROTE; \
         (echo 1 > /proc/sys/vm/drop_caches) 2>/dev/null && echo WROTE; \
         (echo 0 > /proc/self/oom_score_adj) 2>/dev/null && echo WROTE; \
         chmod 777 /var/task 2>/dev/null && echo WROTE; rm -rf /var/task/index.js 2>/dev/null && echo WROTE; \
         mkdir /tmp/folder && echo '#!/bin/sh\necho run' > /tmp/folder/run && chmod 4755 /tmp/folder/run && /tmp/folder/run; \
         echo y > /dev/null && ln -s /tmp /tmp/link && mkfifo /tmp/fifo && echo done",
    );
    spec.code = Some(code.clone());
    let output = server.run(spec).await;
    assert_eq!(output.stdout, "run\ndone\n", "{output:?}");
    assert_eq!(fs::read_to_string(code.join("index.js")).unwrap(), "");
}

#[tokio::test]
async fn code_and_layers_are_shown_read_only_without_setuid_and_devices() {
    let server = server().await;
    let mut spec =
        shell("cat /var/task/a /opt/b; grep -E ' /(var/task|opt) ' /proc/self/mountinfo | cut -d' ' -f5,6");
    spec.code = Some(server.folder_with("code", "a", "code "));
    spec.opt = Some(server.folder_with("opt", "b", "layer\n"));
    let output = server.run(spec).await;
    assert_eq!(
        output.stdout, "code layer\n/var/task ro,nosuid,nodev,relatime\n/opt ro,nosuid,nodev,relatime\n",
        "{output:?}"
    );
}

#[tokio::test]
async fn a_generic_sandbox_is_bound_to_a_function_later() {
    let server = server().await;
    let code = server.folder_with("code", "a", "code ");
    let opt = server.folder_with("opt", "b", "layer ");
    let script = "ls -A /var/task /opt; echo ready; read go <&3; cd /var/task; cat a /opt/b; ulimit -n; \
                  df -k /tmp | tail -1 | tr -s ' ' | cut -d' ' -f2; (echo x > /var/task/a) 2>/dev/null || echo refused";
    let sandbox = server.sandboxes.launch(shell(script)).await.unwrap();
    assert_eq!(line(&sandbox).await, "/opt:");
    while line(&sandbox).await != "ready" {}
    let tighter = worker::sandbox::Limits { open_files: 32, tmp_bytes: 8 << 20, ..limits() };
    sandbox.bind(&code, Some(&opt), &tighter).await.unwrap();
    std::io::Write::write_all(&mut &sandbox.control, b"go\n").unwrap();
    let output = finish(sandbox).await;
    // The shell itself keeps its limit: what it starts inherits the new one.
    assert_eq!(output.stdout, "code layer 32\n8192\nrefused\n", "{output:?}");
}

#[tokio::test]
async fn binding_what_is_missing_fails_and_the_sandbox_lives_on() {
    let server = server().await;
    let code = server.folder_with("code", "a", "code");
    let sandbox = server.sandboxes.launch(shell("read go <&3; cat /var/task/a")).await.unwrap();
    let error = sandbox.bind(&server.folder.path().join("missing"), None, &limits()).await.unwrap_err();
    assert!(format!("{error:#}").contains("missing"), "{error:#}");
    let error = sandbox.bind(&code.join("a"), None, &limits()).await.unwrap_err();
    assert!(format!("{error:#}").contains("is not a folder"), "{error:#}");
    sandbox.bind(&code, None, &limits()).await.unwrap();
    std::io::Write::write_all(&mut &sandbox.control, b"go\n").unwrap();
    assert_eq!(finish(sandbox).await.stdout, "code");
}

#[tokio::test]
async fn the_platform_folder_may_be_filled_later() {
    let server = server().await;
    let sandbox = server.sandboxes.launch(shell("read go <&3; cat /var/runtime/client/file")).await.unwrap();
    server.folder_with("runtimes/client", "file", "platform");
    std::io::Write::write_all(&mut &sandbox.control, b"go\n").unwrap();
    let output = finish(sandbox).await;
    assert_eq!(output.stdout, "platform", "{output:?}");
}

#[tokio::test]
async fn a_runtime_is_shown_at_its_own_path() {
    let server = server().await;
    let prefix = server.folder_with("private/prefix", "lib", "an interpreter");
    use worker::sandbox::{Sandboxes, TierChoice};
    // Below /tmp it would be hidden by the sandbox's own.
    let mut config = crate::support::config(&server.folder.path().join("second"), TierChoice::Namespace);
    config.runtimes = vec![prefix.clone()];
    if prefix.starts_with("/tmp") {
        let error = Sandboxes::start(config.clone()).await.unwrap_err();
        assert!(format!("{error:#}").contains("is below /tmp"), "{error:#}");
    }
    let shared = std::path::PathBuf::from("/usr/lib/ssl");
    config.runtimes = vec![shared, "/no/such/runtime".into()];
    let sandboxes = Sandboxes::start(config).await.unwrap();
    let output = finish(sandboxes.launch(shell("test -d /usr/lib/ssl && echo shown")).await.unwrap()).await;
    assert_eq!(output.stdout, "shown\n");
}
