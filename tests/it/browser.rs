//! The hub's page in a real browser: Chromium without a head, driven over its DevTools protocol.
//!
//! Needs `chromium` and a Vulkan adapter; without them the test says so and passes.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lingping::wall::canvas::gpu::open_adapter;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::program::{MainJob, http_get};
use super::window::Killed;

const PATIENCE: Duration = Duration::from_secs(60);

/// One tab of a browser; dropped, the browser is killed.
struct Tab {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    id: u64,
    /// Exceptions the page did not catch.
    thrown: Vec<String>,
    _browser: Killed,
}

impl Tab {
    /// `None` when there is no Chromium.
    fn open(profile: &Path, url: &str) -> Option<Tab> {
        let browser = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
            .args(["--remote-debugging-port=0", "--window-size=1400,900", "--lang=zh-CN"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let browser = Killed(browser);
        // Written when the browser listens: the port on the first line.
        let address = wait("the browser's port", || {
            let port = std::fs::read_to_string(profile.join("DevToolsActivePort")).ok()?;
            Some(format!("127.0.0.1:{}", port.lines().next()?))
        });
        let target = wait("the tab", || {
            let answer = http_get(&address, "/json/list");
            let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
            let tabs: Json = serde_json::from_slice(&answer[body..]).ok()?;
            let tab = tabs.as_array()?.iter().find(|tab| tab["type"] == "page")?;
            Some(tab["webSocketDebuggerUrl"].as_str()?.to_owned())
        });
        let (socket, _) = tungstenite::connect(target).expect("the tab listens");
        let mut tab = Tab { socket, id: 0, thrown: Vec::new(), _browser: browser };
        tab.call("Runtime.enable", json!({}));
        Some(tab)
    }

    fn call(&mut self, method: &str, params: Json) -> Json {
        self.id += 1;
        let message = json!({"id": self.id, "method": method, "params": params}).to_string();
        self.socket.send(Message::text(message)).expect("sent");
        loop {
            let Message::Text(text) = self.socket.read().expect("the browser answers") else { continue };
            let message: Json = serde_json::from_str(&text).expect("JSON");
            if message["method"] == "Runtime.exceptionThrown" {
                self.thrown.push(message["params"]["exceptionDetails"].to_string());
            }
            if message["id"] == self.id {
                return message["result"].clone();
            }
        }
    }

    /// The value of an expression in the page.
    fn value(&mut self, expression: &str) -> Json {
        let answer = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true.
    fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(expression) != json!(true) {
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {expression}; thrown: {:?}", self.thrown);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn click(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({}).click()", json!(selector)));
    }
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_page_shows_the_wall_its_health_and_its_figures_and_picks_the_scene() {
    if let Err(error) = open_adapter() {
        eprintln!("NOT TESTED: {error}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let job = MainJob::start(&folder.path().join("data"));
    let url = format!("http://{}/", job.address());
    let Some(mut tab) = Tab::open(&folder.path().join("profile"), &url) else {
        eprintln!("NOT TESTED: chromium is not installed");
        return;
    };

    // Whose wall it is, that it lives, that it is simulated.
    tab.until("document.title.includes('81890')");
    tab.until("document.querySelector('#health-state').classList.contains('good')");
    tab.until("document.querySelector('#link').classList.contains('good')");
    tab.until("!document.querySelector('#demo').hidden");
    assert_eq!(tab.value("document.querySelector('#demo').textContent"), json!("演示数据"));

    // The picture comes by itself and goes on coming.
    tab.until("document.querySelector('#frame').naturalWidth === 640");
    let first = tab.value("document.querySelector('#frame').src");
    tab.until(&format!("document.querySelector('#frame').src !== {first}"));

    // A metric's figure, and one click away its SQL.
    tab.until("/[0-9]/.test(document.querySelector('.metric .value:not(.none)')?.textContent ?? '')");
    tab.click(".metric button");
    tab.until("(document.querySelector('.metric .sql pre')?.textContent ?? '').includes('SELECT')");

    // Panels are turned over and back by one button; it says what the wall shows.
    tab.click("#explain");
    tab.until("wallNow().explain === true && state.wall.explain === true");
    tab.until("document.querySelector('#explain').getAttribute('aria-pressed') === 'true'");
    tab.click("#pause");
    tab.until("state.wall.pause === true");
    tab.click("#pause");
    tab.until("state.wall.pause === false");

    // Every scene can be picked, and the wall follows: the picture is another one.
    let scenes = std::fs::read_dir("assets/scenes").expect("scenes").count();
    tab.until(&format!("document.querySelectorAll('#scenes button').length === {scenes}"));
    assert_ne!(scene_shown(&job), "talent");
    tab.value(
        "document.querySelectorAll('#scenes button')[state.scenes.findIndex((one) => one.name === 'talent')].click()",
    );
    wait("the talent scene on the wall", || (scene_shown(&job) == "talent").then_some(()));

    // The other language, without a reload.
    tab.click("#lang");
    assert_eq!(tab.value("document.documentElement.lang"), json!("en"));
    tab.until("document.querySelector('#health-name').textContent === 'Health'");
    assert!(tab.thrown.is_empty(), "{:?}", tab.thrown);
}

/// The scene of the wall's newest picture, as the hub says with it.
fn scene_shown(job: &MainJob) -> String {
    let answer = http_get(job.address(), "/wall.jpg");
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    head.lines().find_map(|line| line.strip_prefix("x-wall-scene: ")).unwrap_or_default().to_owned()
}
