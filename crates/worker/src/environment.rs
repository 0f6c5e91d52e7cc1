//! Environment variables of a function, and where it finds its folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::function::{Function, RuntimeKind};
use crate::invocation::Credentials;
use crate::log_format::LogFormat;
use crate::network::{EGRESS_VARIABLE, Egress, NotAPolicy};
use crate::platform_event::Initialization;
use crate::sandbox::Tier;
use crate::spawner::{AUTHORITY_FILE, BUNDLE_FILE};

/// Address inside a namespace at which the platform's endpoint is reached.
const ENDPOINT_PORT_INSIDE: u16 = 4566;

/// Variables an interpreter reads while it starts: a function that sets one needs a process of
/// its own instead of a generic one started before.
const READ_AT_START: [&str; 7] = [
    "AWS_LAMBDA_EXEC_WRAPPER",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "UV_THREADPOOL_SIZE",
];

/// Tells a function why its worker was started.
pub(crate) const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// Where libraries send traces. Nobody listens there, and a datagram that nobody takes is no error to its sender.
const XRAY_DAEMON: (&str, &str) = ("127.0.0.1", "2000");

/// Folders as the function's process sees them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) task_root: PathBuf,
    pub(crate) opt: PathBuf,
    pub(crate) runtime_dir: PathBuf,
    /// Port of the platform's endpoint.
    endpoint_port: u16,
    /// Whether these are the host's own paths.
    pub(crate) on_host: bool,
    trust: Trust,
}

/// Whether the platform's endpoint is reached under the names of the cloud too, by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// With certificates of an authority whom sandboxes are told to trust.
    OwnAuthority,
    Nobody,
}

impl Places {
    pub(crate) fn new(
        tier: Tier,
        platform_dir: &Path,
        code: &Path,
        opt: Option<&Path>,
        endpoint_port: u16,
        trust: Trust,
    ) -> Self {
        match tier {
            Tier::Namespace { .. } => Self {
                task_root: "/var/task".into(),
                opt: "/opt".into(),
                runtime_dir: "/var/runtime".into(),
                endpoint_port: ENDPOINT_PORT_INSIDE,
                on_host: false,
                trust,
            },
            Tier::Process => Self {
                task_root: code.to_owned(),
                // A folder that is not there stands for a function without layers.
                opt: opt.map_or_else(|| platform_dir.join("no-layers"), Path::to_owned),
                runtime_dir: platform_dir.to_owned(),
                endpoint_port,
                on_host: true,
                trust: Trust::Nobody,
            },
        }
    }

    pub(crate) fn node_modules(&self) -> PathBuf {
        self.runtime_dir.join("nodejs/node_modules")
    }

    pub(crate) fn python_packages(&self) -> PathBuf {
        self.runtime_dir.join("python")
    }

    /// Folders that import statements of Node do not find by walking up from the code. Only those
    /// that exist: searching them costs the function a loader thread.
    pub(crate) fn import_folders(&self) -> Vec<PathBuf> {
        if !self.on_host {
            return Vec::new();
        }
        let folders = [self.opt.join("nodejs/node_modules"), self.node_modules()];
        folders.into_iter().filter(|folder| folder.is_dir()).collect()
    }
}

/// Whether `function` can be given to an interpreter that already runs.
pub(crate) fn fits_generic_worker(function: &Function) -> bool {
    !crate::starter::has_extensions(function)
        && !function.environment.keys().any(|name| {
            READ_AT_START.contains(&name.as_str()) || name.starts_with("PYTHON") && name != "PYTHONPATH"
        })
}

/// Variables by which libraries that bring their own list of authorities learn of ours. Node adds to its list, the
/// others replace theirs.
fn trusted(places: &Places) -> Vec<(String, String)> {
    if places.trust == Trust::Nobody {
        return Vec::new();
    }
    let variables = [
        ("AWS_CA_BUNDLE", BUNDLE_FILE),
        ("NODE_EXTRA_CA_CERTS", AUTHORITY_FILE),
        ("REQUESTS_CA_BUNDLE", BUNDLE_FILE),
        ("SSL_CERT_FILE", BUNDLE_FILE),
    ];
    variables.map(|(name, value)| (name.into(), value.into())).into()
}

/// What an interpreter needs before it knows its function.
pub(crate) fn of_generic_worker(program: &Path, places: &Places) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("LANG".into(), "en_US.UTF-8".into()),
        ("TZ".into(), ":UTC".into()),
        ("PATH".into(), search_path(Some(program), places)),
        ("LD_LIBRARY_PATH".into(), library_path(places)),
    ]);
    all.extend(trusted(places));
    all
}

/// The whole environment of a function, without what changes from call to call. The user's
/// variables win over defaults and lose to the names AWS reserves.
pub(crate) fn of_function(
    function: &Function,
    log_stream: &str,
    program: Option<&Path>,
    places: &Places,
) -> BTreeMap<String, String> {
    let port = places.endpoint_port;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut all = BTreeMap::from([
        ("LANG".into(), "en_US.UTF-8".into()),
        ("TZ".into(), ":UTC".into()),
        ("PATH".into(), search_path(program, places)),
        ("LD_LIBRARY_PATH".into(), library_path(places)),
        ("AWS_ENDPOINT_URL".into(), format!("http://127.0.0.1:{port}")),
        ("LOCALSTACK_HOSTNAME".into(), "127.0.0.1".into()),
        ("EDGE_PORT".into(), port.to_string()),
        ("AWS_XRAY_CONTEXT_MISSING".into(), "LOG_ERROR".into()),
        ("AWS_XRAY_DAEMON_ADDRESS".into(), format!("{}:{}", XRAY_DAEMON.0, XRAY_DAEMON.1)),
        ("_AWS_XRAY_DAEMON_ADDRESS".into(), XRAY_DAEMON.0.into()),
        ("_AWS_XRAY_DAEMON_PORT".into(), XRAY_DAEMON.1.into()),
    ]);
    all.extend(trusted(places));
    match function.runtime {
        RuntimeKind::Node => {
            let major: String = function.requested_runtime.chars().filter(char::is_ascii_digit).collect();
            let folders = [
                places.opt.join(format!("nodejs/node{major}/node_modules")),
                places.opt.join("nodejs/node_modules"),
                places.runtime_dir.join("node_modules"),
                places.node_modules(),
                places.task_root.clone(),
            ];
            all.insert("NODE_PATH".into(), folders.map(|folder| text(&folder)).join(":"));
        }
        RuntimeKind::Python => {
            all.insert("PYTHONPATH".into(), text(&places.runtime_dir));
        }
        RuntimeKind::Custom => {}
    }
    all.extend(function.environment.clone());
    all.extend([
        ("_HANDLER".into(), function.handler.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME".into(), function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION".into(), function.version.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".into(), function.memory_mib.to_string()),
        (INITIALIZATION_TYPE.into(), Initialization::OnDemand.name().into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME".into(), function.log_group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME".into(), log_stream.to_owned()),
        ("AWS_REGION".into(), function.region.clone()),
        ("AWS_DEFAULT_REGION".into(), function.region.clone()),
        ("LAMBDA_TASK_ROOT".into(), text(&places.task_root)),
        ("LAMBDA_RUNTIME_DIR".into(), text(&places.runtime_dir)),
    ]);
    all.insert("AWS_LAMBDA_LOG_FORMAT".into(), function.logging.name().into());
    if let LogFormat::Json { application, .. } = function.logging {
        all.insert("AWS_LAMBDA_LOG_LEVEL".into(), application.name().into());
    }
    if function.runtime != RuntimeKind::Custom {
        all.insert("AWS_EXECUTION_ENV".into(), format!("AWS_Lambda_{}", function.requested_runtime));
    }
    all
}

/// What the function says it needs to reach outside. Who says it wrongly reaches nothing.
pub(crate) fn egress(function: &Function) -> Egress {
    match function.environment.get(EGRESS_VARIABLE).map(|text| text.parse()) {
        None => Egress::Internet,
        Some(Ok(egress)) => egress,
        Some(Err(error)) => {
            let error: NotAPolicy = error;
            tracing::warn!(function = function.name, %error, "the function reaches nothing outside");
            Egress::Nothing
        }
    }
}

/// What every call may bring anew.
pub(crate) fn of_call(credentials: &Credentials, trace_id: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone()),
        ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
        ("_X_AMZN_TRACE_ID", trace_id.to_owned()),
    ])
}

fn search_path(program: Option<&Path>, places: &Places) -> String {
    let own =
        program.and_then(Path::parent).map(|folder| format!("{}:", folder.display())).unwrap_or_default();
    format!("{own}/usr/local/bin:/usr/bin:/bin:{}", places.opt.join("bin").display())
}

fn library_path(places: &Places) -> String {
    let task = &places.task_root;
    let folders = [task.clone(), task.join("lib"), places.opt.join("lib")];
    folders.map(|folder| folder.to_string_lossy().into_owned()).join(":")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn function(runtime: RuntimeKind, environment: &[(&str, &str)]) -> Function {
        Function {
            key: "key".into(),
            name: "users".into(),
            version: "$LATEST".into(),
            runtime,
            requested_runtime: "nodejs20.x".into(),
            handler: "index.handler".into(),
            code: "/code".into(),
            opt: None,
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            memory_mib: 128,
            tmp_mib: 512,
            timeout: Duration::from_secs(3),
            log_group: "/aws/lambda/users".into(),
            logging: LogFormat::Text,
            region: "eu-west-1".into(),
            account: "000000000000".into(),
        }
    }

    fn inside() -> Places {
        Places::new(
            Tier::Namespace { root: true },
            Path::new("/data"),
            Path::new("/code"),
            None,
            9,
            Trust::OwnAuthority,
        )
    }

    #[test]
    fn the_user_wins_over_defaults_and_loses_to_reserved_names() {
        let user =
            [("TZ", "Asia/Tokyo"), ("AWS_REGION", "mars"), ("AWS_ENDPOINT_URL", "http://x"), ("A", "1")];
        let all = of_function(&function(RuntimeKind::Node, &user), "stream", None, &inside());
        assert_eq!(all["TZ"], "Asia/Tokyo");
        assert_eq!(all["AWS_ENDPOINT_URL"], "http://x");
        assert_eq!(all["AWS_REGION"], "eu-west-1");
        assert_eq!(all["A"], "1");
        assert_eq!(all["EDGE_PORT"], "4566");
        assert_eq!(all["AWS_EXECUTION_ENV"], "AWS_Lambda_nodejs20.x");
        assert!(all["NODE_PATH"].starts_with("/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:"));
    }

    #[test]
    fn variables_read_at_start_ask_for_a_process_of_ones_own() {
        for name in ["NODE_OPTIONS", "PYTHONUNBUFFERED", "LD_PRELOAD", "AWS_LAMBDA_EXEC_WRAPPER"] {
            assert!(!fits_generic_worker(&function(RuntimeKind::Node, &[(name, "1")])), "{name}");
        }
        assert!(fits_generic_worker(&function(RuntimeKind::Python, &[("PYTHONPATH", "/x"), ("TABLE", "t")])));
    }
}
