//! The program as people start it: processes, signals, exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lingping");
const SLICE: &str = "tests/data/boston311-slice.csv.gz";
const MAP: &str = "assets/maps/boston311.toml";

fn lingping(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).stdin(Stdio::null()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A hub in a process of its own; dropped, it is killed.
struct HubProcess {
    child: Child,
    address: String,
}

impl HubProcess {
    fn start(data: &Path) -> HubProcess {
        let child = Command::new(PROGRAM)
            .args(["hub", "--city", "boston", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the hub starts");
        HubProcess::listening(child)
    }

    /// A child whose first line says where it listens.
    fn listening(mut child: Child) -> HubProcess {
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
        HubProcess { child, address }
    }

    fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    fn kill_9(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("it is gone");
    }

    fn query(&self, sql: &str) -> serde_json::Value {
        let answer = lingping(&["query", sql, "--hub", &self.url(), "--format", "json"]);
        assert!(answer.status.success(), "{}", text(&answer.stderr));
        serde_json::from_str(text(&answer.stdout).lines().next().expect("a row")).expect("JSON")
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn expected() -> serde_json::Value {
    let path = PathBuf::from("tests/data/boston311-slice.expected.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the slice's figures")).expect("JSON")
}

const TOTALS: &str = "select sum(case when kind = 'open' then 1 else 0 end) as tickets, \
    sum(case when kind = 'finish' then 1 else 0 end) as finished, count(*) as events, \
    count(distinct src_seq) as numbers from tickets";

#[test]
fn an_import_cut_short_by_kill_9_and_sent_again_counts_every_row_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let hub = HubProcess::start(&data);
    let mut import = Command::new(PROGRAM)
        .args(["feed", "import", SLICE, "--map", MAP, "--to", &hub.url(), "--key-file"])
        .arg(folder.path().join("key"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the import starts");
    // Killed as soon as the first rows are in; also right when the import was quicker than this test could look.
    let began = Instant::now();
    while hub.query("select count(*) as n from tickets")["n"].as_i64() == Some(0) {
        assert!(began.elapsed() < Duration::from_secs(60), "no row arrived");
    }
    hub.kill_9();
    let _ = import.kill();
    let _ = import.wait();

    let hub = HubProcess::start(&data);
    let again = lingping(&[
        "feed",
        "import",
        SLICE,
        "--map",
        MAP,
        "--to",
        &hub.url(),
        "--key-file",
        folder.path().join("key").to_str().expect("a path"),
    ]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let totals = hub.query(TOTALS);
    let expected = expected();
    assert_eq!(totals["tickets"], expected["tickets"], "{totals}");
    assert_eq!(totals["finished"], expected["finished"], "{totals}");
    assert_eq!(totals["events"], totals["numbers"], "no row twice: {totals}");
    hub.kill_9();

    let report = lingping(&["verify", "--data", data.to_str().expect("a path"), "--format", "json"]);
    assert!(report.status.success(), "{}", text(&report.stdout));
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(report["rows"]["tickets"], totals["events"], "{report}");
}

#[test]
fn wrong_usage_is_2_and_a_failure_is_1_with_one_sentence() {
    assert_eq!(lingping(&["feed", "import", "nothing.csv"]).status.code(), Some(2));
    assert_eq!(lingping(&["snapshot", "--size", "big", "--out", "x.png"]).status.code(), Some(2));
    let missing = lingping(&["feed", "import", "nothing.csv", "--map", MAP, "--dry-run"]);
    assert_eq!(missing.status.code(), Some(1));
    let message = text(&missing.stderr);
    assert!(message.contains("nothing.csv"), "{message}");
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn check_finds_nothing_wrong_with_what_ships() {
    let check = lingping(&["check"]);
    assert!(check.status.success(), "{}{}", text(&check.stdout), text(&check.stderr));
}

/// A copy of what ships, to be damaged.
fn a_home(folder: &Path) -> PathBuf {
    let home = folder.join("home");
    for part in ["assets", "queries"] {
        std::fs::create_dir_all(&home).expect("a folder");
        assert!(Command::new("cp").arg("-r").arg(part).arg(&home).status().expect("cp").success());
    }
    home
}

#[test]
fn check_tells_every_problem_with_its_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = a_home(folder.path());
    let change = |file: &str, changes: &[(&str, &str)]| {
        let path = home.join(file);
        let mut text = std::fs::read_to_string(&path).expect("a file");
        for (from, to) in changes {
            assert!(text.contains(from), "{file}: {from}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(path, &text).expect("written");
        text
    };
    let line = |text: &str, word: &str| text.lines().position(|line| line.contains(word)).expect("a line") + 1;
    // Two panels of one scene with a column that their metrics lack, and one whose metric is not there.
    let overview = change(
        "assets/scenes/overview.toml",
        &[
            ("{ metric = \"today_opened\",", "{ metric = \"today_opened\", column = \"valu\","),
            ("metric = \"opened_curve\"", "metric = \"opened_curv\""),
        ],
    );
    // Two panels of another that do not read, and two places for panels that are not there.
    let quality = change(
        "assets/scenes/quality.toml",
        &[("kind = \"", "kind = \"x"), ("[[layout]]", "[[panel]]\nid = \"more\"\nkind = \"heroo\"\n\n[[layout]]")],
    );
    let orders =
        change("assets/maps/orders_zh.toml", &[("org = ", "orgg = "), ("kind = \"visit\"", "kind = \"visi\"")]);
    let check = lingping(&["check", "--home", home.to_str().expect("a path")]);
    assert_eq!(check.status.code(), Some(1));
    let told = text(&check.stdout);
    for (file, at, words) in [
        (
            "scenes/overview.toml",
            line(&overview, "valu\""),
            "metric \"today_opened\" has no column \"valu\"; did you mean \"value\"?",
        ),
        ("scenes/overview.toml", line(&overview, "opened_curv\""), "metric \"opened_curv\" is not in queries/"),
        ("scenes/quality.toml", line(&quality, "kind = \"x"), "is of unknown kind"),
        ("scenes/quality.toml", line(&quality, "heroo"), "did you mean \"hero\"?"),
        ("maps/orders_zh.toml", line(&orders, "orgg"), "did you mean \"org\"?"),
        ("maps/orders_zh.toml", line(&orders, "\"visi\""), "did you mean \"visit\"?"),
    ] {
        let place = format!("{file}:{at}: ");
        assert!(told.lines().any(|line| line.contains(&place) && line.contains(words)), "{place}{words}\n{told}");
    }
    assert!(told.contains("6 problems"), "{told}");
}

#[test]
fn check_looks_at_the_screen_that_is_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wall.toml");
    let check = |screen: &str| {
        std::fs::write(&file, format!("[screen]\nwidth = 3840\nheight = 1080\n{screen}")).expect("written");
        lingping(&["check", "--config", &file.display().to_string()])
    };
    let hall = check("pitch_mm = 1.25\nfar_m = 3.0\ncolumns = 2\nseam_mm = 4\n");
    assert!(hall.status.success(), "{}{}", text(&hall.stdout), text(&hall.stderr));
    let far = check("pitch_mm = 1.25\nfar_m = 12.0\n");
    assert!(text(&far.stdout).contains("to be read from 12 m"), "{}", text(&far.stdout));
    let wrong = check("pitch_mm = 1.25\nfar_m = 3.0\ncolumms = 2\n");
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("columms"), "{}", text(&wrong.stderr));
}

#[test]
fn check_finds_nothing_wrong_on_walls_of_several_displays() {
    let folder = tempfile::tempdir().expect("a folder");
    for (columns, rows, height, far_m) in
        [(2, 1, 1080, 1.5), (2, 2, 2160, 2.5), (3, 2, 2160, 2.5), (4, 2, 2160, 2.5), (4, 1, 2160, 2.5)]
    {
        let file = folder.path().join(format!("{columns}x{rows}.toml"));
        let width = columns * 1920;
        let screen = format!(
            "[screen]\nwidth = {width}\nheight = {height}\npitch_mm = 0.63\nfar_m = {far_m}\ncolumns = {columns}\n\
             rows = {rows}\nseam_mm = 4\n"
        );
        std::fs::write(&file, screen).expect("written");
        let check = lingping(&["check", "--config", &file.display().to_string()]);
        assert!(check.status.success(), "{columns}×{rows}: {}{}", text(&check.stdout), text(&check.stderr));
    }
}

#[test]
fn two_hubs_do_not_share_a_folder_and_the_second_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let hub = HubProcess::start(folder.path());
    let second = Command::new(PROGRAM)
        .args(["hub", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains(&folder.path().display().to_string()), "{}", text(&second.stderr));
    drop(hub);
}

#[test]
fn a_data_folder_knows_its_city_and_another_one_needs_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let path = data.to_str().expect("a path");
    HubProcess::start(&data).kill_9();

    // Nothing says which city, and it is the folder's.
    let city = lingping(&["query", "SELECT code FROM city", "--data", path, "--format", "csv"]);
    assert_eq!(text(&city.stdout), "code\nboston\n", "{}", text(&city.stderr));
    let verified = lingping(&["verify", "--data", path]);
    assert!(text(&verified.stdout).contains("boston (America/New_York)"), "{}", text(&verified.stdout));

    let sentence = "are of the city boston (America/New_York), not of ningbo (Asia/Shanghai); leave --city out";
    for args in [
        &["hub", "--listen", "127.0.0.1:0", "--city", "ningbo", "--data", path][..],
        &["query", "SELECT 1", "--city", "ningbo", "--data", path],
    ] {
        let refused = lingping(args);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(sentence), "{}", text(&refused.stderr));
    }
    let hub = |more: &[&str]| {
        let child = Command::new(PROGRAM)
            .args(["hub", "--listen", "127.0.0.1:0", "--data", path])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        HubProcess::listening(child.expect("the hub starts"))
    };
    let plain = hub(&[]);
    assert_eq!(plain.query("SELECT tz FROM city")["tz"], "America/New_York");
    plain.kill_9();
    hub(&["--city", "ningbo", "--force"]).kill_9();
    assert_eq!(hub(&[]).query("SELECT code FROM city")["code"], "ningbo");
}

#[test]
fn a_picture_of_a_hub_as_of_a_time_means_the_hubs_clock_and_no_time_to_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let hub = HubProcess::start(folder.path());
    let out = folder.path().join("x.png");
    let picture = ["snapshot", "--hub", &hub.url(), "--at", "2100-01-01", "--out", out.to_str().expect("a path")];
    let refused = lingping(&picture);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(told.contains("2100-01-01T00:00:00-05:00 has not come yet"), "{told}");
    assert!(!out.exists());
}

#[test]
fn a_folder_of_before_has_no_city_until_a_hub_opens_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let path = data.to_str().expect("a path");
    HubProcess::start(&data).kill_9();
    // As it was written before: without a city, and so without its sum.
    let manifest = data.join("manifest.json");
    let read =
        || -> serde_json::Value { serde_json::from_slice(&std::fs::read(&manifest).expect("read")).expect("JSON") };
    let mut old = read();
    old.as_object_mut().expect("an object").retain(|key, _| key != "city" && key != "crc");
    std::fs::write(&manifest, old.to_string()).expect("written");

    let looked = lingping(&["query", "SELECT code FROM city", "--city", "boston", "--data", path, "--format", "csv"]);
    assert_eq!(text(&looked.stdout), "code\nboston\n", "{}", text(&looked.stderr));
    assert!(read().get("city").is_none(), "a look writes nothing");
    HubProcess::start(&data).kill_9();
    assert_eq!(read()["city"]["code"], "boston");
}

#[test]
fn a_relative_data_folder_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let hub = || {
        let child = Command::new(PROGRAM)
            .args(["hub", "--city", "boston", "--listen", "127.0.0.1:0", "--data", "./data/here"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        HubProcess::listening(child.expect("the hub starts"))
    };
    let first = hub();
    let key = folder.path().join("key");
    let key = key.to_str().expect("a path");
    let import = ["feed", "import", SLICE, "--map", MAP, "--to", &first.url(), "--key-file", key];
    assert!(lingping(&import).status.success());
    let before = first.query(TOTALS);
    // Stopped, not killed: the rows are sealed into segments, which are found again by their paths.
    assert!(Command::new("kill").args(["-TERM", &first.child.id().to_string()]).status().expect("kill").success());
    let mut first = first;
    first.child.wait().expect("it ends");
    let second = hub();
    assert_eq!(second.query(TOTALS), before);
    let scanned = "select count(*) as n from tickets where kind = 'open' and id like '1%'";
    assert!(second.query(scanned)["n"].as_i64() > Some(0));
    second.kill_9();
    assert!(folder.path().join("data/here/manifest.json").is_file());
    let asked = Command::new(PROGRAM)
        .args(["query", TOTALS, "--data", "data/here", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let asked: serde_json::Value = serde_json::from_slice(&asked.stdout).expect("JSON");
    assert_eq!(asked, before);
}

/// The main job without a display: simulated city, hub, wall drawn in memory; dropped, it is killed.
pub(super) struct MainJob(HubProcess);

impl MainJob {
    pub(super) fn start(data: &Path) -> MainJob {
        let child = Command::new(PROGRAM)
            .args(["--offscreen", "--listen", "127.0.0.1:0", "--size", "640x360", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env_remove("DISPLAY")
            .env("LINGPING_LOG", "warn")
            .spawn()
            .expect("the main job starts");
        MainJob(HubProcess::listening(child))
    }

    pub(super) fn address(&self) -> &str {
        &self.0.address
    }
}

#[test]
fn the_main_job_serves_a_picture_of_the_wall() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut job = MainJob::start(folder.path());
    let began = Instant::now();
    let picture = loop {
        assert!(job.0.child.try_wait().expect("its state").is_none(), "the main job ended");
        assert!(began.elapsed() < Duration::from_secs(120), "no picture within two minutes");
        let answer = http_get(job.address(), "/wall.jpg");
        if answer.starts_with(b"HTTP/1.1 200") {
            let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
            break answer[head..].to_vec();
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let picture = image::load_from_memory(&picture).expect("a JPEG").to_rgb8();
    assert_eq!(picture.dimensions(), (640, 360));
    let brightest = picture.pixels().map(|pixel| pixel.0.iter().map(|c| u32::from(*c)).sum::<u32>()).max();
    assert!(brightest > Some(600), "the picture is dark: {brightest:?}");
    let url = job.0.url();
    let told = |control: serde_json::Value| told_to_show(&url, &control);
    let shown = told(serde_json::json!({"mode": "ops", "lang": "en"}));
    assert!(shown["scene"].is_string() && shown["freeze"] == false, "{shown}");
    assert!(shown["explain"] == false && shown["pause"] == false, "{shown}");
    // Panels are turned over until another scene comes; the rotation stays paused until it is told to go on.
    told(serde_json::json!({"explain": true, "pause": true}));
    told(serde_json::json!({"explain": false}));
    told(serde_json::json!({"explain": true}));
    let next = told(serde_json::json!({"scene": "ops"}));
    assert!(next["explain"] == false && next["pause"] == true, "{next}");
    assert_eq!(told(serde_json::json!({"pause": false}))["scene"], "ops");
}

/// Tells the wall what to show, and waits for the picture that says it does: by this the page marks it.
fn told_to_show(url: &str, control: &serde_json::Value) -> serde_json::Value {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shown = async {
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("the hub answers");
        let mut message = control.clone();
        message["type"] = "control".into();
        for message in [message, serde_json::json!({"type": "watch", "fps": 5})] {
            socket.send(Message::text(message.to_string())).await.expect("sent");
        }
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(frame) = message else { continue };
            let (header, _) = lingping::model::message::split_frame(&frame).expect("a frame");
            let header: serde_json::Value = serde_json::from_slice(header).expect("JSON");
            let mut wanted = control.as_object().expect("an object").iter();
            if wanted.all(|(key, value)| header[key] == *value) {
                return header;
            }
        }
        panic!("the connection ended");
    };
    let patience = Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(patience, shown).await }).expect("a picture of what was told")
}

/// Status line, headers and body. Some servers keep the connection open: the length they say ends the answer.
pub(super) fn http_get(address: &str, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server answers");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = Vec::new();
    let mut part = [0; 65536];
    loop {
        let read = stream.read(&mut part).expect("answered");
        answer.extend_from_slice(&part[..read]);
        if read == 0 || length(&answer).is_some_and(|length| answer.len() >= length) {
            return answer;
        }
    }
}

/// Bytes of the whole answer, once its head is there and says so.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let said = text(&answer[..head]).to_lowercase();
    let body = said.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    Some(head + 4 + body)
}
