//! The way to a PostgreSQL on another machine: TLS whose certificate is checked.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use embedded_postgres::{Embedded, Options};
use model::tasks::TaskStatus;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::program::{Program, run};
use crate::support::tasks::sum;

/// A cluster that takes connections by TCP with TLS and no others. Its port is that of every PostgreSQL, so it has an address of its own.
struct Cluster {
    embedded: Option<Embedded>,
    folder: PathBuf,
    address: String,
    /// An address of the same cluster that is not in its certificate.
    also_at: String,
}

impl Cluster {
    async fn start() -> Self {
        let id = Uuid::now_v7();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}", id.simple()));
        fs::create_dir_all(&folder).expect("a folder");
        // All of 127.0.0.0/8 is this machine.
        let [.., a, b] = id.into_bytes();
        let [address, also_at] = [1, 2].map(|last| format!("127.{a}.{b}.{last}"));
        let options = Options {
            data_dir: folder.join("postgres"),
            database: "starter".into(),
            durable: false,
            binaries: None,
            settings: vec![format!("listen_addresses={address},{also_at}"), "max_connections=40".into()],
        };
        let embedded = Embedded::start(options).expect("the cluster starts");
        let this = Self { folder, address, also_at, embedded: Some(embedded) };
        this.switch_tls_on().await;
        this
    }

    async fn switch_tls_on(&self) {
        let by_socket = self.embedded.as_ref().expect("it runs").database_url();
        let mut admin = PgConnection::connect(&by_socket).await.expect("the cluster answers");
        let data: String = sqlx::query_scalar("show data_directory").fetch_one(&mut admin).await.expect("its folder");
        let data = Path::new(&data);
        let CertifiedKey { cert, signing_key } = certificate_for(&self.address);
        fs::write(self.root(), cert.pem()).expect("the root is written");
        for (name, text) in [
            ("server.crt", cert.pem()),
            ("server.key", signing_key.serialize_pem()),
            ("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.0/8 trust\n".to_owned()),
        ] {
            let file = data.join(name);
            fs::write(&file, text).expect("a file of the cluster is written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is closed to others");
            let owner = fs::metadata(data).expect("the folder is there");
            chown(&file, Some(owner.uid()), Some(owner.gid())).expect("it is the cluster's");
        }
        for statement in ["alter system set ssl = on", "select pg_reload_conf()"] {
            sqlx::query(statement).execute(&mut admin).await.expect("the setting is taken over");
        }
    }

    /// The certificate, which is signed by itself and so its own root.
    fn root(&self) -> PathBuf {
        self.folder.join("root.crt")
    }

    fn url(&self, more: &str) -> String {
        format!("postgres://postgres@{}:5432/starter?{more}", self.address)
    }

    fn checked_by(&self, root: &Path) -> String {
        self.url(&format!("sslmode=verify-full&sslrootcert={}", root.display()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.embedded.take());
        embedded_postgres::remove(&self.folder.join("postgres")).expect("the cluster is removed");
        fs::remove_dir_all(&self.folder).expect("its folder is removed");
    }
}

fn certificate_for(name: &str) -> CertifiedKey<rcgen::KeyPair> {
    generate_simple_self_signed([name.to_owned()]).expect("a certificate")
}

/// What the doctor says of the database and of the way there.
async fn diagnosis(url: &str) -> String {
    let settings = [("DATABASE_URL", url), ("STARTER__SERVER__PORT", "0")];
    let output = run(&["doctor"], &settings).await;
    let lines = String::from_utf8(output.stdout).expect("text");
    let about = |line: &&str| line.contains("postgresql") || line.contains("transport");
    lines.lines().filter(about).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_database_elsewhere_is_reached_by_tls_and_only_with_the_right_certificate() {
    let cluster = Cluster::start().await;
    let good = cluster.checked_by(&cluster.root());
    let found = diagnosis(&good).await;
    assert!(found.contains("ok   postgresql") && found.contains("ok   transport"), "{found}");

    let strange = cluster.folder.join("strange.crt");
    fs::write(&strange, certificate_for(&cluster.address).cert.pem()).unwrap();
    let found = diagnosis(&cluster.checked_by(&strange)).await;
    assert!(found.contains("FAIL postgresql") && found.contains("invalid peer certificate"), "{found}");
    let found = diagnosis(&cluster.url("sslmode=verify-full")).await;
    assert!(
        found.contains("FAIL postgresql") && found.contains("invalid peer certificate"),
        "nobody knows it: {found}"
    );
    let under_another_name = good.replacen(&cluster.address, &cluster.also_at, 1);
    let found = diagnosis(&under_another_name).await;
    assert!(found.contains("FAIL postgresql") && found.contains("not valid for name"), "{found}");
    let found = diagnosis(&cluster.url("sslmode=disable")).await;
    assert!(found.contains("FAIL postgresql"), "the cluster takes nothing in the clear: {found}");
}

#[tokio::test]
async fn every_connection_of_server_and_worker_is_by_tls() {
    let cluster = Cluster::start().await;
    let url = cluster.checked_by(&cluster.root());
    let app = TestApp::connected_to(url.clone()).await;
    let ada = app.register("Ada").await;
    let mut events = app.watch(&ada).await;
    let worker = Program::start(&["worker"], &[("DATABASE_URL", &url)]);
    worker.says("a worker joined").await;
    let id = app.queue(&ada, sum(&[1, 2])).await;
    app.until(id, TaskStatus::Completed).await;
    assert_eq!(events.next().await.data["id"], json!(id), "the listener hears by it too");

    let by_tls: Vec<(bool, i64)> = sqlx::query_as(
        "select s.ssl, count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)
        where a.client_addr is not null group by s.ssl",
    )
    .fetch_all(&app.app.db)
    .await
    .unwrap();
    assert!(matches!(by_tls[..], [(true, many)] if many >= 4), "pools, listener and bell: {by_tls:?}");
}

#[tokio::test]
async fn a_database_elsewhere_without_checked_tls_is_told_in_development_and_refused_in_production() {
    // An address for documentation (RFC 5737): nobody answers there.
    let url = "postgres://ada:canary@192.0.2.1/starter?sslmode=require";
    let words = "the database is on another machine";
    let server = Program::start(&["serve", "--port", "0"], &[("DATABASE_URL", url)]);
    let line = server.says(words).await;
    assert!(line.contains("sslmode=verify-full") && !line.contains("canary"), "{line}");

    let production = [
        ("DATABASE_URL", url),
        ("STARTER__ENVIRONMENT", "production"),
        ("STARTER__SERVER__PUBLIC_URL", "https://example.com"),
    ];
    let output = run(&["migrate"], &production).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(words) && !said.contains("canary"), "{said}");
    let allowed = [("STARTER__DATABASE__REQUIRE_TLS", "false")];
    let output = run(&["serve", "--print-config"], &[&production[..], &allowed].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
