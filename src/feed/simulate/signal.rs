//! What the control room hears and writes: public warnings, incidents, targets, notes, stories, the health of feeds,
//! alerts.

use super::calendar::{HOUR_US, MINUTE_US};
use super::day::Scope;
use super::random::Random;
use super::row::{Id, Row, Src, Thing, col};
use super::script::{Script, Surge, Typhoon};
use super::world::Service;
use crate::model::stream::Stream;
use crate::model::time::SECOND_US;

fn row(ts: i64, kind: &'static str, id: Id) -> Row {
    Row::new(Stream::Signals, Src::Signals, ts, ts, kind, id)
}

/// The targets that stand when the simulation begins: the article's and the national standard's.
pub fn targets(ts: i64) -> Vec<Row> {
    [("instant_rate", 0.85), ("satisfied_rate", 0.96), ("transfer_minutes", 80.0), ("connect_rate", 0.95)]
        .into_iter()
        .enumerate()
        .map(|(n, (rule, value))| {
            row(ts, "target", Id::Thing(Thing::Target, n as u32 + 1))
                .with(col::signals::RULE, rule)
                .with(col::signals::VALUE, value)
        })
        .collect()
}

const NOTES: [&str; 6] = [
    "交接班完成，无遗留紧急件",
    "早高峰话务平稳，机器人分流正常",
    "知识库已更新公积金提取口径",
    "一键通夜间巡检完成",
    "加盟单位上门及时率已抽查",
    "今日直播问题已转相关部门",
];

/// Warm stories as an editor would write and approve them: all of them invented, none about anybody. More than eight days
/// of two a day have, so that those of a week differ.
pub const STORIES: [(Service, &str); 16] = [
    (Service::Life, "夜里水管漏水，周女士急得没了主意。师傅四十分钟赶到，修好水管，又帮着把地拖干。"),
    (Service::Volunteer, "志愿者每周三来陪张先生下棋。三个月过去，楼里又多了四位棋友。"),
    (Service::Onekey, "独居的孙女士按下一键通，想学用手机和外孙视频。第二天，志愿者上门，一直教到她会。"),
    (Service::Enterprise, "小厂来了订单，人手不够。服务专员联系了三所职校，一周后，二十名学徒上了岗。"),
    (Service::Guangming, "志愿者陪视障的何先生走进影院。散场时他说：“原来大海，也可以这样听。”"),
    (Service::Gov, "路灯坏了，孩子们放学不敢走那条巷子。报修当晚灯就亮了，家长发来一张亮堂堂的照片。"),
    (Service::Gig, "李女士想找一份离孩子学校近的活。零工市场推荐了三家，她选了走路十分钟的那一家。"),
    (Service::Ask, "许女士问医保怎么转移，听了三遍还是不懂。话务员放慢语速，一步一步陪她在手机上办完。"),
    (Service::Volunteer, "退休教师每天为社区的孩子辅导功课。开学那天，孩子们送来一张画，画的是她的老花镜。"),
    (Service::Life, "钥匙锁在屋里，灶上还炖着汤。师傅十五分钟打开了门，汤没糊，吴先生盛了一碗给他。"),
    (Service::Finance, "种草莓的沈先生缺一笔搭棚的钱。银行的人第二天就到了地头，如今新棚里已经挂果。"),
    (Service::Guangming, "光明俱乐部春游，志愿者牵着会员的手去摸海棠。会员说：“和我想的一样好看。”"),
    (Service::Web, "有人在网上提议，给公交站添一把椅子。两周后再去，椅子有了，还多了一块遮阳的顶棚。"),
    (Service::Onekey, "一键通那头，老人说没有事，只想听听人声。话务员陪她聊了一会儿天气，和院子里的桂花。"),
    (Service::Talent, "新来的工程师不知道孩子该上哪所学校。人才专线的专员陪他跑了一个上午，全办妥了。"),
    (Service::Live, "直播间里，一位店主问起社保补贴。主播答完，工作人员又打来电话，陪她填好了表格。"),
];

/// One or two stories published on a day, in office hours.
fn stories(scope: &Scope<'_>, mut next: impl FnMut() -> Id, rows: &mut Vec<Row>) {
    let Scope { world, day, calendar, .. } = scope;
    let mut random = Random::new(scope.seed, *day, 701);
    let published = if random.chance(0.5) { 2 } else { 1 };
    for n in 0..published {
        let at = calendar.midnight(*day) + ((random.between(9.5, 11.5) + 4.5 * n as f64) * HOUR_US as f64) as i64;
        let area = random.index(&world.area_weights).and_then(|n| world.areas.get(n).copied());
        let Some((service, text)) = STORIES.get((day * 2 + n).rem_euclid(STORIES.len() as i64) as usize) else {
            continue;
        };
        let words = world.service(*service);
        // A city without the service has no story of it.
        if words.known {
            rows.push(
                row(at, "note", next())
                    .with(col::signals::RULE, "story")
                    .with(col::signals::ACTOR, "宣传专员")
                    .with(col::signals::NOTE, *text)
                    .with(col::SERVICE, service.code())
                    .maybe(col::BOARD, words.board)
                    .maybe(col::AREA, area),
            );
        }
    }
}

/// The signals of a shift day.
pub fn signals(scope: &Scope<'_>, surges: &[Surge], rows: &mut Vec<Row>) {
    let Scope { world, day, calendar, span, scripts, .. } = scope;
    let day = *day;
    let mut random = Random::new(scope.seed, day, 700);
    let mut count = 0;
    let mut next = move || {
        count += 1;
        Id::Signal { day: day as i32, n: count }
    };
    let inside = |time: i64| (span.0..span.1).contains(&time);

    // Each feed says that it is up when the crews change; one is late now and then, and comes back.
    for (n, src) in Src::ALL.into_iter().enumerate() {
        let at = span.0 + n as i64 * SECOND_US + random.below(900_000) as i64;
        let mut up = row(at, "feed_up", next()).with(col::signals::NOTE, src.name());
        up.src = src;
        rows.push(up);
    }
    if random.chance(0.3) {
        let src = [Src::Digital, Src::Registry, Src::Activities][random.below(3) as usize];
        let late = span.0 + random.below(20 * HOUR_US as u64) as i64;
        let id = next();
        for (at, kind) in
            [(late, "feed_late"), (late + MINUTE_US + random.below(4 * MINUTE_US as u64) as i64, "feed_up")]
        {
            let mut signal =
                row(at, kind, id).with(col::signals::NOTE, src.name()).with(col::signals::SEVERITY, "grey");
            signal.born = late;
            rows.push(signal);
        }
    }
    for hour in [8.1, 16.2, 22.6] {
        let at = calendar.midnight(day) + ((hour + random.between(0.0, 0.4)) * HOUR_US as f64) as i64;
        let note = random.pick(&NOTES).copied().unwrap_or(NOTES[0]);
        rows.push(row(at, "note", next()).with(col::signals::ACTOR, "值班长").with(col::signals::NOTE, note));
    }

    if random.chance(0.08) && scripts.is_empty() {
        let (colour, what) = random
            .choose(&[(("blue", "大风蓝色预警"), 0.6), (("yellow", "大雾黄色预警"), 0.4)], ("blue", "大风蓝色预警"));
        let at = span.0 + random.below(12 * HOUR_US as u64) as i64;
        let id = next();
        rows.push(row(at, "weather", id).with(col::signals::COLOUR, colour).with(col::signals::NOTE, what));
        let mut lifted = row(at + (4 + random.below(9) as i64) * HOUR_US, "note", next());
        lifted.born = at;
        rows.push(lifted.with(col::signals::RULE, "weather").with(col::signals::NOTE, "预警解除"));
    }
    for script in *scripts {
        if let Script::Typhoon(at_us) = *script {
            for (n, (offset, colour, what)) in Typhoon::WARNINGS.into_iter().enumerate() {
                let at = at_us + offset;
                if inside(at) {
                    let id = Id::Thing(Thing::Typhoon, n as u32 + 1);
                    rows.push(row(at, "weather", id).with(col::signals::COLOUR, colour).with(col::signals::NOTE, what));
                }
            }
            let at = at_us + Typhoon::LIFTED_US;
            if inside(at) {
                let lifted = row(at, "note", next()).with(col::signals::RULE, "weather");
                rows.push(lifted.with(col::signals::NOTE, "台风预警解除"));
            }
        }
    }

    for surge in surges {
        let Some(first) = surge.times.first().copied() else { continue };
        let words = world.service(surge.service);
        let topic = words.topics.get(surge.topic).map(|topic| topic.code);
        let area = surge.area.and_then(|n| world.areas.get(n).copied());
        let dress =
            |row: Row| row.maybe(col::TOPIC, topic).maybe(col::AREA, area).with(col::SERVICE, surge.service.code());
        if let Some(incident) = surge.incident {
            let at = first + 9 * MINUTE_US + random.below(8 * MINUTE_US as u64) as i64;
            rows.push(dress(
                row(at, "incident", next()).with(col::signals::NOTE, incident).with(col::signals::SEVERITY, "yellow"),
            ));
        }
        if surge.times.len() >= 25 {
            let raised = surge.times[surge.times.len() / 2];
            let id = next();
            let acked = raised + 40 * SECOND_US + random.below(4 * MINUTE_US as u64) as i64;
            let cleared = surge.times.last().copied().unwrap_or(acked).max(acked) + 20 * MINUTE_US;
            for (at, kind) in [(raised, "raise"), (acked, "ack"), (cleared, "clear")] {
                let mut signal =
                    row(at, kind, id).with(col::signals::RULE, "hot.topic").with(col::signals::SEVERITY, "yellow");
                signal.born = raised;
                if kind == "ack" {
                    signal = signal.with(col::signals::ACTOR, "值班长");
                }
                rows.push(dress(signal.with(col::signals::VALUE, surge.times.len() as f64)));
            }
        }
    }
    // Last, so that the others keep their names.
    stories(scope, next, rows);
}
