//! Cold starts: from nothing, or from a generic worker, to a process that is loading a function.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use serde::Serialize;

use crate::boots::Turn;
use crate::clients;
use crate::environment::{self, Places, Trust};
use crate::event::Event;
use crate::function::{Function, RuntimeKind};
use crate::network::Platform;
use crate::policy::{self, BOOT_TIMEOUT};
use crate::pool::SpareKind;
use crate::report;
use crate::runtime_api::{About, Extensions, RuntimeApi};
use crate::runtimes::Found;
use crate::sandbox::{LaunchSpec, Limits, Sandbox, Sandboxes, Tier};
use crate::worker::{Program, Worker};

/// Where a custom runtime may be, in AWS's order.
const BOOTSTRAPS_TEXT: &str = "[/var/task/bootstrap /opt/bootstrap]";

/// Starts the programs before `--` beside what comes after it, which becomes the main one. They get no control stream.
const WITH_EXTENSIONS: &str = r#"while [ "$1" != -- ]; do "$1" 3<&- & shift; done; shift; exec "$@""#;
const SHELL: &str = "/bin/sh";

/// Makes workers.
pub(crate) struct Starter {
    pub(crate) sandboxes: Sandboxes,
    pub(crate) platform_dir: PathBuf,
    /// Folder of our runtime clients, relative to the platform folder.
    pub(crate) clients: PathBuf,
    pub(crate) platform: Arc<Platform>,
    pub(crate) endpoint_port: u16,
    pub(crate) trust: Trust,
}

/// What a worker is made of.
pub(crate) enum Base {
    /// A generic worker of its interpreter.
    Spare(Box<Worker>),
    /// A new process, for which there is a turn.
    Nothing(Turn),
}

/// Why no worker could be started.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The function's own fault: its custom runtime cannot be run. Type and text of AWS's error.
    Function {
        error_type: &'static str,
        message: String,
    },
    Platform(anyhow::Error),
}

impl From<anyhow::Error> for StartError {
    fn from(error: anyhow::Error) -> Self {
        Self::Platform(error)
    }
}

/// Body of an `Assign` frame.
#[derive(Serialize)]
struct Assignment<'a> {
    environment: BTreeMap<String, String>,
    handler: &'a str,
    task_root: &'a Path,
    opt: &'a Path,
    /// Where Python finds the platform's packages.
    sdk: PathBuf,
    /// Where import statements of Node look last.
    import_folders: Vec<PathBuf>,
    function_name: &'a str,
    function_version: &'a str,
    memory_mib: String,
    log_group: &'a str,
    log_stream: &'a str,
}

impl Starter {
    /// A started interpreter that waits for any function.
    pub(crate) async fn generic(&self, kind: &SpareKind, turn: Turn) -> anyhow::Result<Worker> {
        let places = self.places(&self.platform_dir, None);
        let SpareKind { interpreter, preload } = kind;
        let mut arguments = clients::arguments(interpreter.kind, &self.clients_inside(&places));
        arguments.extend(preload.arguments(&places.runtime_dir));
        let spec = LaunchSpec {
            program: interpreter.program.clone(),
            arguments,
            environment: os_strings(environment::of_generic_worker(&interpreter.program, &places)),
            working_folder: "/".into(),
            code: None,
            opt: None,
            limits: policy::GENERIC_LIMITS,
        };
        self.boot(spec, None, turn).await
    }

    /// A worker that has begun to load `function`. `first_call` are the variables of the call it is
    /// started for, since loading may use them too.
    pub(crate) async fn begin(
        &self,
        function: &Function,
        first_call: BTreeMap<&'static str, String>,
        interpreter: Option<&Found>,
        base: Base,
    ) -> Result<Worker, StartError> {
        let log_stream: Arc<str> = report::log_stream_name(&function.version).into();
        let places = self.places(&function.code, function.opt.as_deref());
        let Some(interpreter) = interpreter else {
            return self.custom(function, first_call, &places, log_stream, base).await;
        };
        let program = Some(interpreter.program.as_path());
        let mut variables = environment::of_function(function, &log_stream, program, &places);
        variables.extend(first_call.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut worker = match base {
            Base::Spare(spare) => {
                let limits = limits(function);
                spare.handle.bind(&function.code, function.opt.as_deref(), &limits).await?;
                *spare
            }
            Base::Nothing(turn) => {
                let mut arguments = clients::arguments(interpreter.kind, &self.clients_inside(&places));
                let mut program = interpreter.program.clone();
                let wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER").map(PathBuf::from);
                if let Some(wrapper) = &wrapper {
                    arguments.insert(0, std::mem::replace(&mut program, wrapper.clone()).into());
                }
                let extensions = extensions(function, &places);
                let with_api =
                    (wrapper.is_some() || !extensions.is_empty()).then(|| self.api(function, &extensions));
                let api = match with_api {
                    Some(Ok((address, api))) => {
                        variables.insert("AWS_LAMBDA_RUNTIME_API".into(), address);
                        Some(api)
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => None,
                };
                (program, arguments) = beside(&extensions, program, arguments);
                let spec = spec(function, &places, program, arguments, variables.clone());
                let booted = self.boot(spec, api, turn).await;
                match (booted, wrapper) {
                    (Ok(worker), _) => worker,
                    (Err(error), Some(wrapper)) => return Err(invalid_entrypoint(&wrapper, &wrapper, error)),
                    (Err(error), None) => return Err(error.into()),
                }
            }
        };
        worker.belongs_to(Arc::clone(&log_stream), environment::egress(function));
        let assignment = Assignment {
            environment: variables,
            handler: &function.handler,
            task_root: &places.task_root,
            opt: &places.opt,
            sdk: places.python_packages(),
            import_folders: places.import_folders(),
            function_name: &function.name,
            function_version: &function.version,
            memory_mib: function.memory_mib.to_string(),
            log_group: &function.log_group,
            log_stream: &log_stream,
        };
        let assignment = serde_json::to_vec(&assignment).context("the function cannot be described")?;
        // A process that has ended meanwhile is noticed by whoever waits for it to be initialised.
        let _ = worker.link.assign(Bytes::from(assignment)).await;
        Ok(worker)
    }

    async fn custom(
        &self,
        function: &Function,
        first_call: BTreeMap<&'static str, String>,
        places: &Places,
        log_stream: Arc<str>,
        turn: Base,
    ) -> Result<Worker, StartError> {
        let program = bootstrap(function, places)?;
        let mut variables = environment::of_function(function, &log_stream, None, places);
        // A custom runtime gets its credentials once, as on AWS; the trace comes with each call.
        let credentials = first_call.into_iter().filter(|(name, _)| name.starts_with("AWS_"));
        variables.extend(credentials.map(|(name, value)| (name.to_owned(), value)));
        let extensions = extensions(function, places);
        let (address, api) = self.api(function, &extensions)?;
        variables.insert("AWS_LAMBDA_RUNTIME_API".into(), address);
        let (main, arguments) = beside(&extensions, program.clone(), Vec::new());
        let launched = self.sandboxes.launch(spec(function, places, main, arguments, variables)).await;
        drop(turn);
        let sandbox =
            launched.map_err(|error| invalid_entrypoint(&program, &name_on_aws(&program), error))?;
        let mut worker = self.take_over(sandbox, Some((api, Program::Runtime)))?;
        worker.belongs_to(log_stream, environment::egress(function));
        Ok(worker)
    }

    /// Launches an interpreter and waits until its client is there.
    async fn boot(&self, spec: LaunchSpec, api: Option<Api>, _turn: Turn) -> anyhow::Result<Worker> {
        let sandbox = self.sandboxes.launch(spec).await.context("cannot start a sandbox")?;
        let mut worker = self.take_over(sandbox, api.map(|api| (api, Program::Client)))?;
        let Worker { link, handle, .. } = &mut worker;
        let first = async {
            tokio::select! {
                biased;
                event = link.event() => event,
                // Behind the Runtime API its end is not seen otherwise.
                _ = handle.wait() => Event::Closed,
            }
        };
        match tokio::time::timeout(BOOT_TIMEOUT, first).await {
            Ok(Event::Ready) => Ok(worker),
            Ok(_) => {
                let mut said = Vec::new();
                worker.output.drain(|line| said.push(line));
                worker.output.finish_lines(|line| said.push(line));
                bail!("the interpreter ended before it was ready: {}", said.join("; "))
            }
            Err(_) => bail!("the interpreter was not ready within {BOOT_TIMEOUT:?}"),
        }
    }

    /// What the Runtime and Extensions APIs of a new sandbox are made of, and their address inside.
    fn api(&self, function: &Function, extensions: &[PathBuf]) -> anyhow::Result<(String, Api)> {
        let names = extensions.iter().filter_map(|path| path.file_name());
        let started = names.map(|name| name.to_string_lossy().into_owned()).collect();
        let about = About {
            function_name: function.name.clone(),
            function_version: function.version.clone(),
            handler: function.handler.clone(),
            account: function.account.clone(),
        };
        let extensions = Extensions::new(about, started);
        if self.sandboxes.tier() == Tier::Process {
            let (listener, address) = RuntimeApi::bind_on_host().context("no port for the Runtime API")?;
            return Ok((address.to_string(), Api { listener: Some(listener), extensions }));
        }
        Ok(("127.0.0.1:9001".to_owned(), Api { listener: None, extensions }))
    }

    fn take_over(&self, mut sandbox: Sandbox, api: Option<(Api, Program)>) -> anyhow::Result<Worker> {
        let api = match api {
            None => None,
            Some((Api { listener, extensions }, program)) => {
                let listener = listener.or_else(|| sandbox.runtime_api.take());
                Some((listener.context("the sandbox has no Runtime API")?, extensions, program))
            }
        };
        Worker::new(sandbox, api, &self.platform).context("cannot use a sandbox")
    }

    fn places(&self, code: &Path, opt: Option<&Path>) -> Places {
        Places::new(self.sandboxes.tier(), &self.platform_dir, code, opt, self.endpoint_port, self.trust)
    }

    fn clients_inside(&self, places: &Places) -> PathBuf {
        places.runtime_dir.join(&self.clients)
    }
}

/// The Runtime and Extensions APIs of a sandbox that is about to start.
struct Api {
    /// Bound ahead where the sandbox brings none.
    listener: Option<std::net::TcpListener>,
    extensions: Extensions,
}

/// The programs in `/opt/extensions`, as the sandbox sees them, by name.
fn extensions(function: &Function, places: &Places) -> Vec<PathBuf> {
    let Some(opt) = &function.opt else { return Vec::new() };
    let Ok(entries) = opt.join("extensions").read_dir() else { return Vec::new() };
    let is_program = |path: &Path| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    let programs = entries.flatten().filter(|entry| is_program(&entry.path()));
    let mut found: Vec<PathBuf> =
        programs.map(|entry| places.opt.join("extensions").join(entry.file_name())).collect();
    found.sort();
    found
}

/// Whether the function needs more than its runtime in its sandbox, which only a new one can start.
pub(crate) fn has_extensions(function: &Function) -> bool {
    function.opt.as_ref().is_some_and(|opt| opt.join("extensions").is_dir())
}

/// The command that starts the extensions too.
fn beside(extensions: &[PathBuf], program: PathBuf, arguments: Vec<OsString>) -> (PathBuf, Vec<OsString>) {
    if extensions.is_empty() {
        return (program, arguments);
    }
    let mut all: Vec<OsString> = vec!["-c".into(), WITH_EXTENSIONS.into(), "extensions".into()];
    all.extend(extensions.iter().map(|path| path.clone().into_os_string()));
    all.push("--".into());
    all.push(program.into_os_string());
    all.extend(arguments);
    (SHELL.into(), all)
}

fn spec(
    function: &Function,
    places: &Places,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, String>,
) -> LaunchSpec {
    LaunchSpec {
        program,
        arguments,
        environment: os_strings(environment),
        working_folder: places.task_root.clone(),
        code: Some(function.code.clone()),
        opt: function.opt.clone(),
        limits: limits(function),
    }
}

fn limits(function: &Function) -> Limits {
    const MIB: u64 = 1024 * 1024;
    Limits {
        memory_bytes: u64::from(function.memory_mib) * MIB,
        tmp_bytes: u64::from(function.tmp_mib) * MIB,
        cpu_quota_percent: policy::cpu_quota_percent(function.memory_mib),
        ..policy::GENERIC_LIMITS
    }
}

fn os_strings(environment: BTreeMap<String, String>) -> Vec<(OsString, OsString)> {
    environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// The custom runtime of a function, as its sandbox sees it.
fn bootstrap(function: &Function, places: &Places) -> Result<PathBuf, StartError> {
    let candidates = [
        (Some(function.code.join("bootstrap")), places.task_root.join("bootstrap")),
        (function.opt.as_ref().map(|opt| opt.join("bootstrap")), places.opt.join("bootstrap")),
    ];
    for (on_host, inside) in candidates {
        let Some(metadata) = on_host.and_then(|path| path.metadata().ok()) else { continue };
        if metadata.is_file() && metadata.permissions().mode() & 0o111 == 0 {
            return Err(entrypoint_error(&name_on_aws(&inside), "permission denied"));
        }
        if metadata.is_file() {
            return Ok(inside);
        }
    }
    Err(StartError::Function {
        error_type: "Runtime.InvalidEntrypoint",
        message: format!("Couldn't find valid bootstrap(s): {BOOTSTRAPS_TEXT}"),
    })
}

/// A program that the kernel refuses to run is the function's own fault.
fn invalid_entrypoint(program: &Path, name: &Path, error: anyhow::Error) -> StartError {
    let code = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<std::io::Error>()?.raw_os_error())
        .or_else(|| code_in_text(&format!("{error:#}"), program));
    match code {
        Some(libc::ENOEXEC) => entrypoint_error(name, "exec format error"),
        Some(libc::EACCES) => entrypoint_error(name, "permission denied"),
        Some(libc::ENOENT) => entrypoint_error(name, "no such file or directory"),
        _ => StartError::Platform(error.context("cannot start a sandbox")),
    }
}

/// The kernel's code in a failure that another process reported as text about `program`.
fn code_in_text(text: &str, program: &Path) -> Option<i32> {
    let (_, rest) = text.split_once(program.to_str()?)?;
    rest.rsplit_once("(os error ")?.1.trim_end_matches(')').parse().ok()
}

/// The path AWS's message gives, whichever folder it is here.
fn name_on_aws(program: &Path) -> PathBuf {
    if program.starts_with("/opt") { "/opt/bootstrap".into() } else { "/var/task/bootstrap".into() }
}

fn entrypoint_error(name: &Path, cause: &str) -> StartError {
    let message = format!("fork/exec {}: {cause}", name.display());
    StartError::Function { error_type: "Runtime.InvalidEntrypoint", message }
}

impl RuntimeKind {
    /// Whether an interpreter of the host runs it.
    pub(crate) fn is_managed(self) -> bool {
        self != Self::Custom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_code_is_found_in_a_report_about_the_program() {
        let program = Path::new("/var/task/bootstrap");
        let text =
            "the sandbox cannot be started: run /var/task/bootstrap: No such file or directory (os error 2)";
        assert_eq!(code_in_text(text, program), Some(libc::ENOENT));
        assert_eq!(code_in_text("no folder at /data/code (os error 2)", program), None);
        assert_eq!(code_in_text("run /var/task/bootstrap: killed", program), None);
    }
}
