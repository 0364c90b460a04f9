//! A hub of canned values for the wall's tests: a real WebSocket, real messages, invented figures (always `demo`).

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use lingping::model::City;
use lingping::model::message::{ClientMessage, HubMessage, MetricRef, MetricResult, ResultColumn};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// 2026-11-23 14:32:07 in Ningbo.
pub const NOW_US: i64 = 1_795_415_527_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canned {
    Normal,
    /// A city in which nothing happened yet.
    Empty,
    Zero,
    /// 99,999,999 wherever a figure stands.
    Huge,
    /// Names with rare characters.
    Rare,
    /// Answers once, then never speaks again.
    Silent,
}

pub struct FixtureHub {
    pub address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl FixtureHub {
    pub fn start(canned: Canned, city: City, watch_fps: u32) -> FixtureHub {
        FixtureHub::start_on("127.0.0.1:0", canned, city, watch_fps)
    }

    pub fn start_on(listen: &str, canned: Canned, city: City, watch_fps: u32) -> FixtureHub {
        FixtureHub::start_at(listen, canned, city, watch_fps, NOW_US)
    }

    /// With a clock of its own.
    pub fn start_at(listen: &str, canned: Canned, city: City, watch_fps: u32, now_us: i64) -> FixtureHub {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(listen)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serve = async move {
            let city = Arc::new(city);
            let serving = async {
                loop {
                    let Ok((socket, _)) = listener.accept().await else { return };
                    tokio::spawn(serve_one(socket, canned, city.clone(), watch_fps, now_us));
                }
            };
            tokio::select! { () = serving => {}, _ = stopped => {} }
        };
        let thread =
            std::thread::Builder::new().name("fixture-hub".into()).spawn(move || runtime.block_on(serve)).unwrap();
        FixtureHub { address, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

impl Drop for FixtureHub {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn serve_one(socket: tokio::net::TcpStream, canned: Canned, city: Arc<City>, watch_fps: u32, now_us: i64) {
    let Ok(socket) = tokio_tungstenite::accept_async(socket).await else { return };
    let (mut sink, mut stream) = socket.split();
    let metrics = metrics(canned, &city);
    let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
    let mut seconds = 0;
    loop {
        let message = tokio::select! {
            _ = ticks.tick() => {
                if canned != Canned::Silent || seconds == 0 {
                    let now = now_us + seconds * 1_000_000;
                    send(&mut sink, &tick(canned, now)).await;
                }
                seconds += 1;
                continue;
            }
            message = stream.next() => message,
        };
        match message {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).unwrap() {
                ClientMessage::Hello { .. } => {
                    let welcome = HubMessage::Welcome {
                        version: 1,
                        hub: "fixture".into(),
                        city: Box::new((*city).clone()),
                        now: now_us,
                        demo: canned != Canned::Empty,
                        replay: false,
                        metrics: metrics.iter().map(|metric| metric.metric.clone()).collect(),
                    };
                    send(&mut sink, &welcome).await;
                    if watch_fps > 0 {
                        send(&mut sink, &HubMessage::Watch { fps: watch_fps }).await;
                    }
                }
                ClientMessage::Subscribe { metrics: wanted } => {
                    for MetricRef { name, .. } in wanted {
                        if let Some(metric) = metrics.iter().find(|metric| metric.metric == name) {
                            send(&mut sink, &HubMessage::Result(metric.clone())).await;
                        }
                    }
                }
                ClientMessage::Follow { .. } => send(&mut sink, &events(canned, &city)).await,
                _ => {}
            },
            Some(Ok(Message::Close(_))) | None | Some(Err(_)) => return,
            Some(Ok(_)) => {}
        }
    }
}

async fn send<S: SinkExt<Message> + Unpin>(sink: &mut S, message: &HubMessage) {
    sink.send(Message::Text(serde_json::to_string(message).unwrap().into())).await.ok();
}

pub fn tick(canned: Canned, now: i64) -> HubMessage {
    let until = (canned != Canned::Empty).then_some(now - 80_000);
    HubMessage::Tick {
        now,
        data_until: until,
        recv_until: until,
        demo: canned != Canned::Empty,
        replay: false,
        status: "ok".into(),
        message: None,
    }
}

/// A repeatable share between 0 and 1.
fn share(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

const BOARDS: [&str; 4] = ["life", "volunteer", "enterprise", "government"];

pub fn events(canned: Canned, city: &City) -> HubMessage {
    let columns = ["ts", "kind", "id", "area", "service", "board", "state"].map(str::to_owned).to_vec();
    let count = match canned {
        Canned::Empty | Canned::Zero => 0,
        _ => 4312,
    };
    // Shares of the districts, as the mock has them.
    let weights = [1204.0, 431.0, 352.0, 288.0, 986.0, 142.0, 89.0, 117.0, 301.0, 402.0];
    let total: f64 = weights.iter().take(city.areas.len()).sum();
    let mut rows = Vec::new();
    for number in 0..count {
        let mut pick = share(number * 3 + 1) * total;
        let area = weights
            .iter()
            .take(city.areas.len())
            .position(|weight| {
                pick -= weight;
                pick <= 0.0
            })
            .unwrap_or(0);
        let board = [0.0, 0.576, 0.648, 0.78];
        let dice = share(number * 3 + 2);
        let board = board.iter().rposition(|from| dice >= *from).unwrap_or(0);
        let open = share(number * 3 + 3) < 0.03;
        let ts = NOW_US - 1000 - (number as i64) * 12_000_000;
        let id = format!("F-{number}");
        let area = city.areas.get(area).map_or("", |area| area.code.as_str());
        rows.push(vec![
            json!(ts),
            json!("open"),
            json!(id),
            json!(area),
            json!("life"),
            json!(BOARDS[board]),
            json!("waiting"),
        ]);
        if !open {
            rows.push(vec![
                json!(ts),
                json!("finish"),
                json!(id),
                json!(area),
                json!("life"),
                json!(BOARDS[board]),
                json!("done"),
            ]);
        }
    }
    HubMessage::Events {
        stream: "tickets".into(),
        columns,
        rows,
        backlog: true,
        reset: false,
        more: false,
        seq: Some(1),
    }
}

/// Every metric of the overview.
pub fn metrics(canned: Canned, city: &City) -> Vec<MetricResult> {
    let mut metrics = Vec::new();
    let figure = |value: f64| match canned {
        Canned::Empty => Json::Null,
        Canned::Zero => json!(0),
        Canned::Huge => json!(99_999_999),
        _ => json!(value),
    };
    let rate = |value: f64, n: i64| match canned {
        Canned::Empty | Canned::Zero => vec![Json::Null, json!(0), json!(0)],
        Canned::Rare => vec![json!(0.75), json!(9), json!(12)],
        _ => vec![json!(value), json!((value * n as f64) as i64), json!(n)],
    };
    let mut add = |name: &str, columns: &[&str], rows: Vec<Vec<Json>>| {
        metrics.push(MetricResult {
            metric: name.to_owned(),
            params: Default::default(),
            version: 1,
            as_of: NOW_US,
            data_until: (canned != Canned::Empty).then_some(NOW_US - 80_000),
            demo: canned != Canned::Empty,
            replay: false,
            columns: columns
                .iter()
                .map(|name| ResultColumn { name: (*name).into(), column_type: "Int64".into() })
                .collect(),
            rows: if canned == Canned::Empty && rows.len() > 1 { Vec::new() } else { rows },
            error: None,
            info: Default::default(),
        });
    };
    let one = |values: &[f64]| vec![values.iter().map(|value| figure(*value)).collect::<Vec<Json>>()];
    add("solved_total", &["value", "baseline", "counted"], one(&[18_264_913.0, 18e6, 264_913.0]));
    add("today_opened", &["value", "yesterday"], one(&[4312.0, 4207.0]));
    add("today_finished", &["value", "yesterday"], one(&[4187.0, 4099.0]));
    add("open_now", &["value"], one(&[125.0]));
    add("due_soon", &["value", "overdue"], one(&[2.0, 1.0]));
    let hours = [
        0.04, 0.03, 0.03, 0.03, 0.04, 0.08, 0.16, 0.38, 0.72, 0.98, 0.90, 0.72, 0.55, 0.60, 0.80, 0.82, 0.74, 0.60,
        0.55, 0.50, 0.42, 0.28, 0.15, 0.08,
    ];
    let level = |quarter: usize, seed: u64| {
        let hour = quarter as f64 / 4.0;
        let (from, to) = (hours[quarter / 4], hours[(quarter / 4 + 1).min(23)]);
        (95.0 * (from + (to - from) * hour.fract()) * (0.94 + 0.12 * share(quarter as u64 + seed))).round()
    };
    let curve = (0..96).map(|quarter| {
        vec![
            json!(quarter * 15),
            if quarter < 59 { figure(level(quarter, 7)) } else { Json::Null },
            figure(level(quarter, 900)),
        ]
    });
    add("opened_curve", &["minute", "today", "last_week"], curve.collect());
    add("instant_rate", &["value", "k", "n"], vec![rate(0.852, 946)]);
    add("finish_rate", &["value", "k", "n"], vec![rate(1.0, 3120)]);
    add("satisfied_rate", &["value", "k", "n"], vec![rate(0.964, 417)]);
    add("transfer_minutes", &["mean", "p50", "p90", "n", "yesterday_mean"], one(&[78.0, 71.0, 140.0, 139.0, 82.0]));
    let stages = [
        ("open", 4312.0),
        ("dispatch", 646.0),
        ("accept", 612.0),
        ("finish", 4187.0),
        ("visit", 498.0),
        ("rate", 417.0),
    ];
    add("loop_today", &["stage", "n"], stages.map(|(stage, n)| vec![json!(stage), figure(n)]).to_vec());
    let boards = [
        ("life", 2486.0, 2411.0),
        ("volunteer", 312.0, 278.0),
        ("enterprise", 568.0, 558.0),
        ("government", 946.0, 967.0),
    ];
    add(
        "boards_today",
        &["board", "n", "last_week"],
        boards.map(|(board, n, before)| vec![json!(board), figure(n), figure(before)]).to_vec(),
    );
    let mut rows = Vec::new();
    for (index, (board, n, _)) in boards.iter().enumerate() {
        for (hour, weight) in hours.iter().enumerate().take(15) {
            rows.push(vec![
                json!(board),
                json!(hour * 60),
                figure((n * weight * 0.15 * (0.8 + 0.4 * share(hour as u64 * 17 + index as u64))).round()),
            ]);
        }
    }
    add("boards_curve", &["board", "minute", "n"], rows);
    add("onekey_devices", &["online", "installed"], one(&[60_214.0, 61_032.0]));
    add("onekey_calls", &["value", "yesterday"], one(&[83.0, 79.0]));
    add("onekey_rescued", &["value", "baseline", "counted"], one(&[123.0, 120.0, 3.0]));
    let calls = (0..58).map(|quarter| vec![json!(quarter * 15), figure((share(quarter + 50) * 4.4).floor())]);
    add("onekey_curve", &["minute", "n"], calls.collect());
    let topics = [
        ("小区停水", "Water cut in an estate", "life", 86.0, 3.4),
        ("公积金提取", "Housing fund payout", "government", 61.0, 1.1),
        ("家电维修", "Appliance repair", "life", 54.0, 0.9),
        ("零工招聘", "Casual jobs", "life", 45.0, 1.0),
        ("老旧小区加装电梯", "Lifts for old houses", "government", 37.0, 1.2),
        ("人才落户", "Residence for talent", "enterprise", 27.0, 1.0),
    ];
    let rare = ["石碶街道停水", "澥浦镇天然气", "深甽镇温泉路", "坣下村路灯", "龘靐龖字样", "古林镇蔺草"];
    let rows = topics.iter().enumerate().map(|(index, (zh, en, board, n, lift))| {
        let zh = if canned == Canned::Rare { rare[index] } else { zh };
        vec![
            json!(index + 1),
            json!(format!("04.{index:02}")),
            json!(zh),
            json!(en),
            json!(board),
            figure(*n),
            json!(n / lift),
            if canned == Canned::Zero { Json::Null } else { json!(lift) },
        ]
    });
    add("hot_topics", &["rank", "topic", "zh", "en", "board", "n", "expected", "lift"], rows.collect());
    let seats = [("talk", 31.0), ("wrap", 3.0), ("ready", 8.0), ("rest", 2.0), ("logout", 2.0)];
    let seats = seats.map(|(state, n)| vec![json!(state), if canned == Canned::Huge { json!(420) } else { figure(n) }]);
    add("seats_now", &["state", "n"], seats.to_vec());
    add("waiting_now", &["n", "longest_s"], one(&[2.0, 46.0]));
    add("connect_rate_24h", &["value", "k", "n"], vec![rate(0.981, 4690)]);
    let counts = [1204.0, 431.0, 352.0, 288.0, 986.0, 142.0, 89.0, 117.0, 301.0, 402.0];
    let areas = city.areas.iter().enumerate().map(|(index, area)| {
        let n: f64 = counts[index % counts.len()] * if index < 10 { 1.0 } else { 0.37 };
        vec![
            json!(area.code),
            json!(area.zh),
            json!(area.en),
            figure(n.round()),
            figure((n * 0.03).round()),
            json!(0.4),
        ]
    });
    add("area_today", &["area", "zh", "en", "n", "open", "load"], areas.collect());
    let happened = [
        ("海曙区", "Haishu", "家电维修", "Appliance repair", "dispatch", 38.0),
        ("鄞州区", "Yinzhou", "独居老人求助", "Elder living alone", "answer", 2.0),
        ("慈溪市", "Cixi", "惠企政策兑付", "Policy payout", "finish", 22.0),
        ("江北区", "Jiangbei", "陪同出行", "Company on a trip", "accept", 310.0),
        ("北仑区", "Beilun", "公积金提取", "Housing fund", "finish", 41.0),
        ("镇海区", "Zhenhai", "路灯不亮", "Street light out", "dispatch", 66.0),
        ("余姚市", "Yuyao", "零工招聘", "Casual jobs", "open", 0.0),
        ("象山县", "Xiangshan", "噪声扰民", "Noise", "visit", 5400.0),
    ];
    let rows = happened.iter().enumerate().map(|(index, (zh, en, topic_zh, topic_en, kind, seconds))| {
        let (zh, topic_zh) = if canned == Canned::Rare {
            (["石碶", "澥浦", "深甽", "坣下"][index % 4], rare[index % 6])
        } else {
            (*zh, *topic_zh)
        };
        vec![
            json!(NOW_US - 1_000_000 - index as i64 * 7_000_000 - if index > 3 { 700_000_000 } else { 0 }),
            json!(""),
            json!(zh),
            json!(en),
            json!("life"),
            json!("生活服务"),
            json!("Home services"),
            json!("04"),
            json!(topic_zh),
            json!(topic_en),
            json!(kind),
            json!(seconds),
            json!(true),
        ]
    });
    let columns = [
        "ts",
        "area",
        "area_zh",
        "area_en",
        "board",
        "service_zh",
        "service_en",
        "topic",
        "topic_zh",
        "topic_en",
        "kind",
        "seconds",
        "demo",
    ];
    let rows: Vec<_> = rows.collect();
    let earlier = rows.iter().filter(|row| row[0].as_i64() < Some(NOW_US - 600_000_000)).cloned().collect();
    add("ticker_public", &columns, earlier);
    add("ticker", &columns, rows);
    metrics
}
