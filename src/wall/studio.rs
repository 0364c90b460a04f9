//! Draws views without a display: one app whose glyphs and layers are kept from one picture to the next.
//!
//! Behind `snapshot`, `record`, the benchmarks and the picture tests. Fails at the start when there is no graphics
//! adapter, later only when the adapter gives no picture.

use std::sync::mpsc::{Receiver, sync_channel};

use bevy::app::App;
use bevy::render::renderer::RenderDevice;

use super::app::bare_app;
use super::canvas::gpu::{Capture, Drawn, Picture, open_adapter};
use super::canvas::{Glyphs, Paint};
use super::composer::Composer;
use super::options::{PointsPath, WallError};
use super::painter::{self, View};
use super::show::atlas_side;

/// Turns the renderer may need before it draws its first picture.
const TURNS_MAX: usize = 50;

pub struct Studio {
    pub app: App,
    captures: Receiver<Capture>,
    pub composer: Composer,
    pub adapter: wgpu::AdapterInfo,
    /// Size of the bare ground that was composed last, if it was.
    bare: Option<[u32; 2]>,
}

impl Studio {
    /// # Errors
    /// No graphics adapter, or a font that can't be read.
    pub fn open() -> Result<Studio, WallError> {
        let composer = Composer::new(Glyphs::load(atlas_side([1920, 1080]))?);
        let (creation, adapter) = open_adapter()?;
        let (sender, captures) = sync_channel(1);
        let mut app = bare_app(creation, sender);
        while app.plugins_state() == bevy::app::PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        let mut studio = Studio { app, captures, composer, adapter, bare: None };
        studio.set_points(PointsPath::Auto);
        studio.composer.crowds = studio.adapter.device_type == wgpu::DeviceType::Cpu;
        Ok(studio)
    }

    /// How very many points are drawn from now on.
    pub fn set_points(&mut self, path: PointsPath) {
        self.composer.points_move = path.moves_on(self.adapter.device_type);
    }

    /// Draws a view and waits until its last pixel is done. Returns whether something in it moves.
    ///
    /// # Errors
    /// The adapter draws nothing.
    pub fn frame(&mut self, view: &View<'_>) -> Result<bool, WallError> {
        let moving = self.compose(view);
        self.turn()?;
        self.wait();
        Ok(moving)
    }

    /// Draws a view and reads it back.
    ///
    /// # Errors
    /// The adapter gives no picture.
    pub fn picture(&mut self, view: &View<'_>) -> Result<Capture, WallError> {
        self.compose(view);
        {
            let mut picture = self.app.world_mut().resource_mut::<Picture>();
            (picture.capture, picture.draw) = (true, true);
            view.tell(&mut picture.shown);
        }
        self.turn()?;
        self.take()
    }

    /// Composes a view into the picture that the next turn draws.
    pub fn compose(&mut self, view: &View<'_>) -> bool {
        self.bare = None;
        let mut picture = self.app.world_mut().resource_mut::<Picture>();
        self.composer.compose(view, &mut picture)
    }

    /// Draws what a closure paints on the bare ground, and reads it back.
    ///
    /// # Errors
    /// The adapter gives no picture.
    pub fn plain(&mut self, size: [u32; 2], paint: impl FnOnce(&mut Paint<'_>)) -> Result<Capture, WallError> {
        self.compose_plain(size, paint);
        self.app.world_mut().resource_mut::<Picture>().capture = true;
        self.turn()?;
        self.take()
    }

    /// What a closure paints on the bare ground is drawn whole by the next turn.
    pub fn compose_plain(&mut self, size: [u32; 2], paint: impl FnOnce(&mut Paint<'_>)) {
        self.composer.forget();
        let glyphs = &mut self.composer.glyphs;
        if glyphs.atlas_side != atlas_side(size) {
            glyphs.atlas_side = atlas_side(size);
            glyphs.empty_atlas();
        }
        let mut picture = self.app.world_mut().resource_mut::<Picture>();
        let picture = &mut *picture;
        picture.base.clear();
        picture.back.clear();
        picture.front.clear();
        paint(&mut painter::pen(&mut picture.front, glyphs, 1.0));
        picture.uploads.append(&mut glyphs.uploads);
        (picture.size, picture.atlas_side) = (size, glyphs.atlas_side);
        // The bare ground is drawn once.
        picture.base_changed |= self.bare != Some(size);
        self.bare = Some(size);
        (picture.back_changed, picture.back_parts.whole, picture.parts.whole) = (true, true, true);
        picture.draw = true;
    }

    fn take(&mut self) -> Result<Capture, WallError> {
        self.captures.try_recv().map_err(|_| WallError::Graphics("the adapter gave no picture".into()))
    }

    /// Lets the renderer draw what was composed, if anything; several turns at the start.
    ///
    /// # Errors
    /// It drew nothing.
    pub fn turn(&mut self) -> Result<(), WallError> {
        if !self.app.world().resource::<Picture>().draw {
            self.app.update();
            return Ok(());
        }
        let drawn = self.app.world().resource::<Drawn>().clone();
        let before = drawn.pictures();
        for _ in 0..TURNS_MAX {
            self.app.update();
            if drawn.pictures() > before {
                return Ok(());
            }
        }
        Err(WallError::Graphics("the adapter drew nothing".into()))
    }

    /// Waits until the graphics adapter has done everything it was given.
    pub fn wait(&self) {
        if let Some(device) = self.app.world().get_resource::<RenderDevice>() {
            // A device that is lost has nothing left to wait for.
            device.wgpu_device().poll(wgpu::PollType::wait_indefinitely()).ok();
        }
    }
}
