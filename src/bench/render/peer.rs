//! ECharts in a headless Chromium on the same cores: a page of the same charts, served from here, that says when its
//! measurement begins and ends; meanwhile the CPU seconds of all the browser's processes are counted.
//!
//! Needs `chromium` and `npm` (which fetches `echarts` once, into the cache folder). What is missing is said in a
//! sentence.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::Frames;
use crate::bench::process::tree_cpu_s;
use crate::model::assets;

const PAGE: &str = include_str!("echarts.html");
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const PACKAGE: &str = "echarts@6";
/// A measurement that takes longer than this beyond its seconds is given up.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Peer {
    browser: &'static str,
    echarts: String,
    map: String,
}

pub struct Case {
    pub size: (u32, u32),
    /// Points on the map; 0 with charts alone.
    pub sparks: usize,
    /// Line charts; 0: the overview.
    pub charts: usize,
    pub chart_points: usize,
    pub seconds: f64,
}

impl Peer {
    /// # Errors
    /// What is missing, in words.
    pub fn find() -> Result<Peer, String> {
        let runs = |name: &str| {
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        let browser = BROWSERS.into_iter().find(|name| runs(name)).ok_or("no chromium is installed")?;
        if !runs("npm") {
            return Err("npm is not installed".into());
        }
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let folder = cache.or(home).unwrap_or_else(std::env::temp_dir).join("lingping/peers");
        let file = folder.join("node_modules/echarts/dist/echarts.min.js");
        if !file.is_file() {
            std::fs::create_dir_all(&folder)
                .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
            let done = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
                .arg(&folder)
                .arg(PACKAGE)
                .stdout(Stdio::null())
                .status();
            if !done.is_ok_and(|status| status.success()) {
                return Err(format!("npm could not install {PACKAGE} into {}", folder.display()));
            }
        }
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        };
        Ok(Peer { browser, echarts: read(&file)?, map: read(&assets::path("map/ningbo.geojson"))? })
    }

    /// Opens a browser for one measurement and closes it. The fields of its line.
    ///
    /// # Errors
    /// The browser does not start or the page does not come to its end.
    pub fn measure(&self, case: &Case) -> Result<serde_json::Map<String, Json>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port is free: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let profile = std::env::temp_dir().join(format!("lingping-peer-{}", std::process::id()));
        let child = Command::new(self.browser)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .arg("--disable-dev-shm-usage")
            .arg("--force-device-scale-factor=1")
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--window-size={},{}", case.size.0, case.size.1))
            .arg(format!("http://{address}/"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.browser))?;
        let mut browser = Browser(child);
        let measured = self.serve(&listener, &mut browser, case);
        drop(browser);
        // A profile that stays in the temporary folder is no failure of the measurement.
        std::fs::remove_dir_all(&profile).ok();
        measured
    }

    fn serve(
        &self,
        listener: &TcpListener,
        browser: &mut Browser,
        case: &Case,
    ) -> Result<serde_json::Map<String, Json>, String> {
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + PATIENCE + Duration::from_secs_f64(case.seconds);
        let pid = browser.0.id();
        let mut cpu_before = 0.0;
        loop {
            if Instant::now() > deadline {
                return Err("the page did not come to its end in time".into());
            }
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            let Some((path, body)) = read_request(&stream) else { continue };
            let (kind, content) = match path.as_str() {
                "/" => ("text/html", PAGE.to_owned()),
                "/echarts.js" => ("text/javascript", self.echarts.clone()),
                "/map.json" => ("application/json", self.map.clone()),
                "/case.json" => ("application/json", case.json().to_string()),
                "/begin" => {
                    cpu_before = tree_cpu_s(pid).unwrap_or(0.0);
                    ("text/plain", "on".to_owned())
                }
                "/end" => {
                    let cpu_s = tree_cpu_s(pid).unwrap_or(0.0) - cpu_before;
                    respond(stream, "text/plain", "thanks");
                    return case.fields(&body, cpu_s);
                }
                "/failed" => return Err(format!("the page failed: {body}")),
                _ => ("text/plain", String::new()),
            };
            respond(stream, kind, &content);
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Case { size: (width, height), sparks, charts, .. } = self;
        match charts {
            0 => write!(f, "overview {width}x{height} {sparks}"),
            _ => write!(f, "charts {charts}"),
        }
    }
}

impl Case {
    fn json(&self) -> Json {
        json!({"sparks": self.sparks, "charts": self.charts, "chartPoints": self.chart_points, "seconds": self.seconds})
    }

    fn fields(&self, body: &str, cpu_s: f64) -> Result<serde_json::Map<String, Json>, String> {
        let told: Json = serde_json::from_str(body).map_err(|error| format!("the page's answer: {error}"))?;
        let ms = told["ms"].as_array().map(|ms| ms.iter().filter_map(Json::as_f64).collect::<Vec<f64>>());
        let ms = ms.filter(|ms| !ms.is_empty()).ok_or("the page drew no frame")?;
        let frames = Frames { wall_s: ms.iter().sum::<f64>() / 1000.0, ms, cpu_s, ..Frames::default() };
        let mut fields = serde_json::Map::new();
        fields.insert("bench".into(), json!("render"));
        fields.insert("peer".into(), json!("echarts"));
        fields.insert("scene".into(), json!(if self.charts > 0 { "charts" } else { "overview" }));
        fields.insert("size".into(), json!(format!("{}x{}", self.size.0, self.size.1)));
        if self.charts > 0 {
            fields.insert("charts".into(), json!(self.charts));
            fields.insert("points_a_chart".into(), json!(self.chart_points));
        } else {
            fields.insert("sparks".into(), json!(self.sparks));
            fields.insert("charts".into(), json!(10));
        }
        fields.extend(frames.json());
        fields.insert("version".into(), told["version"].clone());
        Ok(fields)
    }
}

/// A browser that is closed with everything it started.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Path and body of a request.
fn read_request(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

fn respond(mut stream: TcpStream, kind: &str, content: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    // A browser that went away is noticed when it does not come to the end.
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(content.as_bytes())).ok();
}
