//! The running wall through what happens to clocks and connections: a hub that goes and comes back, midnight, a clock
//! that was set.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bevy::render::RenderApp;
use bevy::render::renderer::RenderDevice;
use lingping::model::City;
use lingping::model::message::MetricRef;
use lingping::model::time::DAY_US;
use lingping::wall::app::Stage;
use lingping::wall::canvas::gpu::{CaptureSender, open_adapter};
use lingping::wall::show::Show;
use lingping::wall::{Mode, WallOptions};

use super::fixture_hub::{Canned, FixtureHub, NOW_US};
use super::scenes::ONE;

/// Turns the wall until it is as wanted.
fn turn_until(stage: &mut Stage, what: &str, wanted: impl Fn(&Show) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !wanted(stage.show()) {
        assert!(Instant::now() < deadline, "{what}: not within 60 s; down: {:?}", stage.show().data.down);
        stage.turn();
        stage.rest();
    }
}

fn opened(show: &Show) -> Option<f64> {
    let metric = MetricRef { name: "today_opened".into(), params: Default::default() };
    show.data.metric(&metric).number(0, "value")
}

#[test]
fn a_hub_may_go_come_back_a_day_later_and_set_its_clock_back() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Err(error) = open_adapter() {
        eprintln!("NOT TESTED: {error}");
        return;
    }
    let city = || City::load("ningbo").unwrap();
    let hub = FixtureHub::start(Canned::Normal, city(), 0);
    let listen = hub.address.to_string();
    let options =
        WallOptions { size: Some((640, 360)), offscreen: true, mode: Mode::Ops, ..WallOptions::new(hub.url()) };
    let mut stage = Stage::open(&options).unwrap();
    let knows_today = |show: &Show| opened(show).is_some() && !show.data.sparks.all.is_empty();
    turn_until(&mut stage, "the first picture", knows_today);
    let sparks = stage.show().data.sparks.all.len();

    drop(hub);
    turn_until(&mut stage, "the loss of the hub", |show| show.data.down.is_some());
    assert!(knows_today(stage.show()), "what was known stays while the hub is away");

    // Over midnight: yesterday's tickets are no sparks of today.
    let hub = FixtureHub::start_at(&listen, Canned::Normal, city(), 0, NOW_US + DAY_US);
    turn_until(&mut stage, "the hub a day later", |show| show.data.down.is_none());
    turn_until(&mut stage, "the new day", |show| show.data.sparks.all.is_empty());
    assert!(opened(stage.show()).is_some());

    // Set back to the day before: its tickets are asked for again.
    drop(hub);
    turn_until(&mut stage, "the loss of the hub", |show| show.data.down.is_some());
    let _hub = FixtureHub::start_at(&listen, Canned::Normal, city(), 0, NOW_US);
    turn_until(&mut stage, "the day before", |show| show.data.sparks.all.len() == sparks);
    let pictures = stage.show().pictures;
    turn_until(&mut stage, "another picture", |show| show.pictures > pictures);
}

/// A driver that is reset, or updated under the running wall, takes everything with it that was on the card.
#[test]
fn a_graphics_device_that_is_lost_is_replaced_and_the_same_picture_drawn() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Err(error) = open_adapter() {
        eprintln!("NOT TESTED: {error}");
        return;
    }
    let hub = FixtureHub::start(Canned::Normal, City::load("ningbo").unwrap(), 10);
    let options =
        WallOptions { size: Some((640, 360)), offscreen: true, mode: Mode::Ops, ..WallOptions::new(hub.url()) };
    let mut stage = Stage::open(&options).unwrap();
    let (sender, captures) = sync_channel(1);
    stage.app.sub_app_mut(RenderApp).insert_resource(CaptureSender(sender));
    turn_until(&mut stage, "the first picture", |show| opened(show).is_some() && !show.data.sparks.all.is_empty());
    stage.show_mut().toggle_freeze();
    let photograph = |stage: &mut Stage| {
        let deadline = Instant::now() + Duration::from_secs(60);
        captures.try_iter().for_each(drop);
        loop {
            assert!(stage.app.should_exit().is_none() && Instant::now() < deadline, "no picture");
            stage.show_mut().redraw();
            stage.turn();
            if let Ok(capture) = captures.try_recv() {
                return capture.rgba;
            }
            stage.rest();
        }
    };
    turn_until(&mut stage, "a picture of the frozen wall", |show| show.rest() > show.pace);
    let before = photograph(&mut stage);
    assert!(before.iter().any(|byte| *byte > 200), "a picture with light in it");
    let device = stage.app.world().resource::<RenderDevice>().clone();
    device.wgpu_device().destroy();
    let after = photograph(&mut stage);
    assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 0, "bytes that differ");
}
