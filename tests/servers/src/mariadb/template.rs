//! The data directory of a MariaDB that nobody has used yet. Making one takes 0.5 to 1.7 s, copying it 0.1 s.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::command::{program, run};
use crate::error::{Error, doing};
use crate::place;

/// These go into the files of the data, so that template and servers must agree. The defaults are ten times as large.
pub(super) const SETTINGS: [&str; 2] = ["innodb-log-file-size = 16M", "innodb-data-file-path = ibdata1:8M:autoextend"];

/// The template for the installed version, made by whoever needs it first and kept for later runs.
pub(super) fn data_directory() -> Result<PathBuf, Error> {
    let place = place::lasting().join(format!("cairn-servers-templates-{}", rustix::process::getuid().as_raw()));
    let template = place.join(format!("mariadb-{}", version()?));
    fs::create_dir_all(&place).map_err(doing(format!("make {}", place.display())))?;
    let lock = File::create(place.join("lock")).and_then(|lock| lock.lock().map(|()| lock));
    let _lock = lock.map_err(doing(format!("lock {}", place.display())))?;
    if !template.is_dir() {
        install(&place, &template)?;
    }
    Ok(template)
}

/// Whoever sees the template sees a whole one: it gets its name at the end.
fn install(place: &Path, template: &Path) -> Result<(), Error> {
    let unfinished = tempfile::tempdir_in(place).map_err(doing(format!("make a directory in {}", place.display())))?;
    let data = unfinished.path().join("data");
    let mut installer = program("mariadb-install-db", "mariadb-server")?;
    installer.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]);
    installer.args(SETTINGS.map(|setting| format!("--{}", setting.replace(" = ", "="))));
    run(installer.args(user_option()).arg(format!("--datadir={}", data.display())))?;
    fs::rename(&data, template).map_err(doing(format!("make {}", template.display())))
}

/// MariaDB runs as root only if it is told to. Any other user would have to be able to reach the directory, and the kernel
/// forgets the parent-death signal of a process that changes its user.
pub(super) fn user_option() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

fn version() -> Result<String, Error> {
    let shown = run(program("mariadbd", "mariadb-server")?.args(["--no-defaults", "--version"]))?;
    let version = shown.split_whitespace().skip_while(|word| *word != "Ver").nth(1).unwrap_or("unknown");
    Ok(version.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "-"))
}
