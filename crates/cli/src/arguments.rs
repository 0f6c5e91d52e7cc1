//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A serverless cloud on your own machine that speaks the protocols of AWS.
///
/// Start it with `cloudling up`, then point any SDK, the AWS CLI or an infrastructure tool at
/// http://127.0.0.1:4566 (AWS_ENDPOINT_URL). The commands below need no other tool.
#[derive(Debug, Parser)]
#[command(name = "cloudling", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The server to talk to.
    #[arg(
        long,
        global = true,
        env = "AWS_ENDPOINT_URL",
        default_value = "http://127.0.0.1:4566",
        value_name = "URL"
    )]
    pub(crate) endpoint: String,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) output: Format,
    /// Tell more: with `up`, every request.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cloudling up --demo                 start, deploy an example API, call it
  cloudling dev ./hello               start with it and run what is saved at once
  cloudling deploy ./hello            a folder with index.js, app.py or bootstrap becomes a function
  cloudling invoke hello --payload '{\"name\": \"Ada\"}' --tail
  cloudling logs hello --follow
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws lambda list-functions";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the cloud and keep it running until Ctrl-C.
    Up(Up),
    /// Check what functions need on this machine, and say how to get what is missing.
    Doctor(Doctor),
    /// Copy everything of one moment into a folder, while the server runs or not.
    Backup(Backup),
    /// Make a data folder from a backup.
    Restore(Backup),
    /// The AWS SDKs that functions find without bundling them.
    Runtimes(Runtimes),
    /// Start the cloud with a folder's functions in it: what is saved runs with the next call, what they log is printed.
    Dev(Dev),
    /// Turn a folder into a function with a URL; run it again to update.
    Deploy(Deploy),
    /// Call a function and print what it returns.
    Invoke(Invoke),
    /// Print what a function logged.
    Logs(Logs),
    /// List the functions and their URLs.
    Ls,
    /// Delete a function.
    Rm(Rm),
    /// Empty the cloud: all accounts, or one.
    Reset(Reset),
    /// The access keys of accounts themselves, for the owner of the data folder.
    Keys(Keys),
    /// Who did what, and what was decided about it.
    Audit(Audit),
    /// Print the implemented operations of each service as JSON.
    #[command(hide = true)]
    Operations,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4566", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Deploy the example users API, call it, and show how to.
    #[arg(long)]
    pub(crate) demo: bool,
    /// How strictly callers are held to who they are.
    #[arg(long, value_enum, default_value_t = ModeName::Dev)]
    pub(crate) mode: ModeName,
    /// Enforce policies in development mode too; keys that are not known act as their account's root user.
    #[arg(long)]
    pub(crate) enforce: bool,
    /// How functions are separated from the machine.
    #[arg(long, value_enum, default_value_t = SandboxName::Auto)]
    pub(crate) sandbox: SandboxName,
    /// Workers kept started ahead of need, of each interpreter: a first call takes one of them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) spares: Option<usize>,
    /// Workers that hold a function at the same time, busy and idle, 1200 unless given; one function has at most five of six.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4000))]
    pub(crate) workers: Option<u16>,
    /// Seconds after which an idle worker ends, 600 unless given.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) keep_alive: Option<u64>,
    /// Accept https beside http, with a certificate of the installation's own authority (tls/ca.pem in the data folder).
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub(crate) tls: bool,
    /// A host name or address that the certificate is good for, beside those of this machine; may be given more than once.
    #[arg(long, requires = "tls", value_name = "NAME")]
    pub(crate) tls_name: Vec<String>,
    /// Accept https with this certificate chain (PEM).
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM).
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A host name to answer to in development mode, with all names below it; may be given more than once.
    #[arg(long, env = "CLOUDLING_ALLOW_HOSTS", value_delimiter = ',', value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Connections that one address may have open; in secure mode 1000 unless given, and loopback is free.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) source_connections: Option<u32>,
    /// Requests a second from one address; in secure mode 2000 unless given, and loopback is free.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) source_requests: Option<u32>,
    /// What functions may reach outside: internet (public addresses only), none, or allow-list:HOST,… with hosts like
    /// api.example.com, *.example.com, db.example.com:5432 and networks like 10.1.0.0/16.
    #[arg(long, value_name = "POLICY", default_value = "internet")]
    pub(crate) egress: worker::Egress,
    /// Do not install the AWS SDKs for functions in the background at first start.
    #[arg(long)]
    pub(crate) no_runtimes_install: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Where everything is kept that survives a restart.
    #[arg(long, env = "CLOUDLING_DATA", default_value = "./.cloudling", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where the SDKs for functions are; `runtimes` in the data folder unless given.
    #[arg(long, env = "CLOUDLING_RUNTIMES", value_name = "DIR")]
    pub(crate) runtimes: Option<PathBuf>,
}

impl Folders {
    pub(crate) fn runtimes(&self) -> PathBuf {
        self.runtimes.clone().unwrap_or_else(|| self.data.join("runtimes"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeName {
    /// Any access key is accepted, policies are not enforced, loopback only.
    Dev,
    /// Known keys only, policies enforced.
    Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxName {
    /// Namespaces where they work, else processes with a warning.
    Auto,
    /// Own namespaces, or do not start.
    Namespace,
    /// Plain processes: nothing is hidden from a function.
    Process,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Read everything in the data folder instead, and tell what is damaged; no server may use it meanwhile.
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder of the backup.
    pub(crate) folder: PathBuf,
    /// The data folder.
    #[arg(long, env = "CLOUDLING_DATA", default_value = "./.cloudling", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Runtimes {
    #[command(subcommand)]
    pub(crate) command: RuntimesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RuntimesCommand {
    /// Put the AWS SDKs for Node and Python into the data folder.
    Install(RuntimesInstall),
}

#[derive(Debug, Args)]
pub(crate) struct RuntimesInstall {
    #[command(flatten)]
    pub(crate) folders: Folders,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The folder: index.js, index.mjs, app.py, lambda_function.py or bootstrap at its top.
    pub(crate) folder: PathBuf,
    /// Name of the function; the folder's name unless given.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Runtime such as nodejs22.x, python3.12, provided.al2023; found out from the files unless given.
    #[arg(long)]
    pub(crate) runtime: Option<String>,
    /// Such as index.handler; found out from the files unless given.
    #[arg(long)]
    pub(crate) handler: Option<String>,
    /// Seconds a call may take.
    #[arg(long, default_value_t = 30)]
    pub(crate) timeout: u32,
    /// Memory in MiB.
    #[arg(long, default_value_t = 256)]
    pub(crate) memory: u32,
    /// Environment variable NAME=VALUE; may be given more than once.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) environment: Vec<String>,
    /// Make no URL.
    #[arg(long)]
    pub(crate) no_url: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) up: Up,
    /// Folders of functions, or one folder that holds them: index.js, app.py or bootstrap at their top.
    #[arg(required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Environment variable NAME=VALUE of each function; may be given more than once.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) environment: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Invoke {
    pub(crate) name: String,
    /// JSON, @FILE, or - for standard input.
    #[arg(long, default_value = "{}", value_name = "JSON|@FILE|-")]
    pub(crate) payload: String,
    /// Version or alias.
    #[arg(long)]
    pub(crate) qualifier: Option<String>,
    /// Print the end of the call's log too.
    #[arg(long)]
    pub(crate) tail: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    pub(crate) name: String,
    /// Go on printing what comes.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rm {
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Twelve digits; all accounts unless given.
    #[arg(long)]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key; its secret is shown once.
    Create(KeysOf),
    /// Make a new key and end all others of the account itself.
    Rotate(KeysOf),
    /// List the ids of the keys there are.
    List(KeysOf),
}

#[derive(Debug, Args)]
pub(crate) struct KeysOf {
    /// Twelve digits.
    #[arg(long, default_value = "000000000000")]
    pub(crate) account: String,
    /// The data folder.
    #[arg(long, env = "CLOUDLING_DATA", default_value = "./.cloudling", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// How many calls, the newest first.
    #[arg(long, short, default_value_t = 50, value_name = "NUMBER")]
    pub(crate) number: usize,
    /// Denied calls only.
    #[arg(long)]
    pub(crate) denied: bool,
    /// Calls of one user, role session or service only.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Calls of one operation only, such as CreateFunction.
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub(crate) operation: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
