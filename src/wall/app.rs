//! The Bevy app around the show: a window, or an offscreen picture, with the same systems.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use bevy::app::{App, AppExit, Plugin, TaskPoolPlugin, Update};
use bevy::asset::AssetPlugin;
use bevy::camera::CameraPlugin;
use bevy::ecs::prelude::*;
use bevy::image::ImagePlugin;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::mesh::MeshPlugin;
use bevy::render::RenderPlugin;
use bevy::render::error_handler::RenderErrorHandler;
use bevy::render::renderer::RenderDevice;
use bevy::render::settings::RenderCreation;
use bevy::time::TimePlugin;
use bevy::window::{
    ExitCondition, MonitorSelection, PresentMode, PrimaryWindow, Window, WindowMode, WindowPlugin, WindowResolution,
};
use bevy::winit::{EventLoopProxyWrapper, UpdateMode, WinitPlugin, WinitSettings, WinitUserEvent};
use parking_lot::{Condvar, Mutex};

use super::canvas::gpu::{CanvasPlugin, Capture, Drawn, Picture, open_adapter};
use super::frames;
use super::link::{Link, Wake};
use super::options::{WallError, WallOptions};
use super::recovery::{LastWords, Recovery, recover};
use super::show::Show;

/// How the thread of the link wakes the app.
#[derive(Clone, Default)]
struct Alarm {
    rung: Arc<(Mutex<bool>, Condvar)>,
    window: Arc<Mutex<Option<bevy::winit::EventLoopProxy<WinitUserEvent>>>>,
}

impl Alarm {
    fn wake(&self) -> Wake {
        let alarm = self.clone();
        Arc::new(move || {
            let (rung, bell) = &*alarm.rung;
            *rung.lock() = true;
            bell.notify_one();
            if let Some(proxy) = &*alarm.window.lock() {
                proxy.send_event(WinitUserEvent::WakeUp).ok();
            }
        })
    }

    /// Sleeps until news come, at most so long.
    fn rest(&self, most: Duration) {
        let (rung, bell) = &*self.rung;
        let mut rung = rung.lock();
        if !*rung && !most.is_zero() {
            bell.wait_for(&mut rung, most);
        }
        *rung = false;
    }
}

#[derive(Resource, Clone)]
struct AlarmResource(Alarm);

/// Shows the wall until it is closed.
///
/// # Errors
/// See [`super::run`].
pub fn run(options: WallOptions) -> Result<(), WallError> {
    if options.offscreen || !has_display() {
        let mut stage = Stage::open(&options)?;
        let last_words = stage.app.world().resource::<Recovery>().last_words.clone();
        loop {
            stage.turn();
            if let Some(exit) = stage.app.should_exit() {
                return ended(&exit, &last_words);
            }
            stage.rest();
        }
    }
    let alarm = Alarm::default();
    let mut app = wall_app(&options, &alarm, "in a window")?;
    add_window(&mut app, &options, options.size.unwrap_or(SIZE))?;
    app.add_systems(Update, (press_keys, follow_window).before(step));
    let last_words = app.world().resource::<Recovery>().last_words.clone();
    ended(&app.run(), &last_words)
}

/// Pixels where nobody says.
const SIZE: (u32, u32) = (1920, 1080);

fn ended(exit: &AppExit, last_words: &LastWords) -> Result<(), WallError> {
    if let Some(words) = last_words.lock().take() {
        return Err(WallError::Graphics(words));
    }
    match exit {
        AppExit::Success => Ok(()),
        AppExit::Error(code) => Err(WallError::Setup(format!("the window system ended the wall (code {code})"))),
    }
}

/// The app of a running wall, still without a window.
fn wall_app(options: &WallOptions, alarm: &Alarm, place: &str) -> Result<App, WallError> {
    let link = Link::open(&options.hub, alarm.wake())?;
    let captures = frames::start(link.frames())?;
    let size = options.size.unwrap_or(SIZE);
    let mut show = Show::new(link, &options.scene, options.mode, options.lang, [size.0, size.1], options.seams)?;
    let (creation, adapter) = open_adapter()?;
    show.draw_on(adapter.device_type, options.points);
    tracing::info!("the wall draws {place}, {}×{}, on {} ({:?})", size.0, size.1, adapter.name, adapter.backend);
    let mut app = bare_app(creation, captures);
    app.insert_resource(show)
        .insert_resource(AlarmResource(alarm.clone()))
        .insert_resource(AdapterName::of(&adapter))
        .insert_resource(Recovery::new(options.points))
        .insert_resource(RenderErrorHandler(recover))
        .add_systems(Update, step);
    Ok(app)
}

/// Which graphics adapter draws.
#[derive(Resource, Clone)]
pub struct AdapterName(pub String);

impl AdapterName {
    pub fn of(adapter: &wgpu::AdapterInfo) -> AdapterName {
        AdapterName(format!("{} ({:?})", adapter.name, adapter.backend))
    }
}

/// A running wall that draws into memory, turn by turn.
pub struct Stage {
    pub app: App,
    alarm: Alarm,
}

impl Stage {
    /// # Errors
    /// See [`super::run`].
    pub fn open(options: &WallOptions) -> Result<Stage, WallError> {
        let alarm = Alarm::default();
        let mut app = wall_app(options, &alarm, "offscreen")?;
        while app.plugins_state() == bevy::app::PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        Ok(Stage { app, alarm })
    }

    /// Takes in what came and draws if there is something new to show.
    pub fn turn(&mut self) {
        self.app.update();
    }

    /// Turns once and waits until the graphics adapter is done. True when a picture was drawn.
    pub fn turn_whole(&mut self) -> bool {
        let before = self.app.world().resource::<Drawn>().pictures();
        self.app.update();
        let drawn = self.app.world().resource::<Drawn>().pictures() > before;
        if let Some(device) = self.app.world().get_resource::<RenderDevice>().filter(|_| drawn) {
            // A device that is lost has nothing left to wait for.
            device.wgpu_device().poll(wgpu::PollType::wait_indefinitely()).ok();
        }
        drawn
    }

    pub fn show(&self) -> &Show {
        self.app.world().resource::<Show>()
    }

    pub fn show_mut(&mut self) -> Mut<'_, Show> {
        self.app.world_mut().resource_mut::<Show>()
    }

    /// Sleeps until something new may have to be drawn.
    pub fn rest(&self) {
        let rest = self.show().rest();
        self.alarm.rest(rest);
        // News in a burst are taken in together, at the wall's pace.
        let pause = self.show().rest().min(rest);
        if !pause.is_zero() && pause <= self.show().pace {
            std::thread::sleep(pause);
        }
    }
}

/// What drawing needs of Bevy, and no more: no camera, no default passes.
pub fn bare_app(creation: RenderCreation, captures: SyncSender<Capture>) -> App {
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin::default(),
        TimePlugin,
        AssetPlugin::default(),
        bevy::diagnostic::FrameCountPlugin,
    ));
    app.add_plugins(WindowPlaceholder);
    app.add_plugins((
        RenderPlugin { render_creation: creation, synchronous_pipeline_compilation: true, ..Default::default() },
        ImagePlugin::default(),
        MeshPlugin,
        CameraPlugin,
        CanvasPlugin { captures },
    ));
    app
}

/// Registers what the render plugin expects of windows when there is none.
struct WindowPlaceholder;

impl Plugin for WindowPlaceholder {
    fn build(&self, app: &mut App) {
        app.add_plugins(WindowPlugin {
            primary_window: None,
            primary_cursor_options: None,
            exit_condition: ExitCondition::DontExit,
            close_when_requested: true,
        });
    }
}

fn add_window(app: &mut App, options: &WallOptions, (width, height): (u32, u32)) -> Result<(), WallError> {
    let fullscreen = options.fullscreen;
    app.add_plugins((bevy::input::InputPlugin, bevy::a11y::AccessibilityPlugin));
    add_event_loop(app)?;
    let window = Window {
        title: "灵屏 Lingping".into(),
        name: Some("lingping".into()),
        // A pixel of the picture is a pixel of the screen.
        resolution: WindowResolution::new(width, height).with_scale_factor_override(1.0),
        present_mode: PresentMode::AutoVsync,
        mode: if fullscreen {
            WindowMode::BorderlessFullscreen(MonitorSelection::Current)
        } else {
            WindowMode::Windowed
        },
        ..Default::default()
    };
    app.world_mut().spawn((window, PrimaryWindow));
    app.add_systems(bevy::app::Last, bevy::window::exit_on_all_closed);
    if let (Some(proxy), Some(alarm)) =
        (app.world().get_resource::<EventLoopProxyWrapper>(), app.world().get_resource::<AlarmResource>())
    {
        *alarm.0.window.lock() = Some((**proxy).clone());
    }
    Ok(())
}

/// What listens to the display. Bevy panics where that can't be opened; here it is a sentence.
fn add_event_loop(app: &mut App) -> Result<(), WallError> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let added = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        app.add_plugins(WinitPlugin::default());
    }));
    std::panic::set_hook(hook);
    added.map_err(|_| {
        let display = display().unwrap_or_default();
        WallError::Setup(format!(
            "the display {display:?} can't be opened; set DISPLAY to one that runs, or draw to memory with --offscreen"
        ))
    })
}

/// One turn of the wall.
fn step(mut show: ResMut<Show>, mut picture: ResMut<Picture>, winit: Option<ResMut<WinitSettings>>) {
    show.take_news();
    show.reload_scenes();
    show.rotate();
    show.paint(&mut picture);
    if let Some(mut winit) = winit {
        let mode = UpdateMode::reactive(show.rest().max(Duration::from_millis(4)));
        winit.focused_mode = mode;
        winit.unfocused_mode = mode;
    }
}

fn press_keys(
    mut keys: MessageReader<KeyboardInput>,
    mut show: ResMut<Show>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut exit: MessageWriter<AppExit>,
) {
    for key in keys.read() {
        if key.state != ButtonState::Pressed || key.repeat {
            continue;
        }
        match &key.logical_key {
            Key::F11 => {
                for mut window in &mut windows {
                    window.mode = match window.mode {
                        WindowMode::Windowed => WindowMode::BorderlessFullscreen(MonitorSelection::Current),
                        _ => WindowMode::Windowed,
                    };
                }
            }
            Key::Escape => {
                let mut left = false;
                for mut window in &mut windows {
                    if window.mode != WindowMode::Windowed {
                        window.mode = WindowMode::Windowed;
                        left = true;
                    }
                }
                if !left {
                    exit.write(AppExit::Success);
                }
            }
            Key::ArrowRight | Key::ArrowDown | Key::PageDown => show.step_scene(1),
            Key::ArrowLeft | Key::ArrowUp | Key::PageUp => show.step_scene(-1),
            Key::Space => show.toggle_freeze(),
            Key::Character(text) if text.eq_ignore_ascii_case("l") => show.toggle_lang(),
            Key::Character(text) if text.eq_ignore_ascii_case("m") => show.step_mode(),
            Key::Character(text) if text.eq_ignore_ascii_case("i") => show.toggle_explain(),
            Key::Character(text) if text.eq_ignore_ascii_case("p") => show.toggle_pause(),
            Key::Character(text) if text.as_str() == " " => show.toggle_freeze(),
            _ => {}
        }
    }
}

fn follow_window(mut show: ResMut<Show>, windows: Query<&Window, With<PrimaryWindow>>) {
    for window in &windows {
        show.resize([window.resolution.physical_width(), window.resolution.physical_height()]);
    }
}

fn has_display() -> bool {
    cfg!(any(target_os = "windows", target_os = "macos")) || display().is_some()
}

/// The display that the environment names.
fn display() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let wayland = || set("WAYLAND_DISPLAY").filter(|_| cfg!(feature = "wayland"));
    set("DISPLAY").or_else(wayland).map(|name| name.to_string_lossy().into_owned())
}
