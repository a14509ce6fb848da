"""Renderers that need neither GPU nor display, on the same scene: CPU time of one 640x360 picture, and who is where.

    pip install moderngl embreex trimesh     # the peers; one that is missing is left out
    python bench/renderers.py [--people 4] [--out FOLDER]

Same meshes, poses and camera. Peers draw plain Lambert shading and the index of the person at each pixel; ours draws
the whole picture of a camera (four passes with motion blur, textures, soft shadows, noise), boxes and visibility. Times
are CPU seconds of the process, threads added up, medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from perdure.simulate import gait, kernels
from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.gait import Stance
from perdure.simulate.lens import Lens
from perdure.simulate.looks import random_look
from perdure.simulate.reading import load
from perdure.simulate.render import PASSES, Actor, Renderer
from perdure.types import Float32s, Image, Ints

FRAMES = 12
Picture = Callable[[int], Image]


class World:
    """A camera of the demonstration and people who walk before it."""

    def __init__(self, people: int) -> None:
        plan = load("demo")
        self.scene, self.camera = scene_of(plan), plan.cameras[0]
        self.lens = Lens(**{**vars(lens_of(self.camera)), "k1": 0.0})  # peers know no distortion
        rng = np.random.default_rng(0)
        self.actors = [Actor.of(i, random_look(rng)) for i in range(people)]
        self.house, self.house_colour = self._house()

    def stances(self, frame: int) -> list[Stance]:
        """Where everybody is."""
        one = np.ones(PASSES)
        zero = 0 * one
        places = [(2.0 + 0.55 * i + 0.05 * frame, 2.0 + 0.8 * (i % 3)) for i in range(len(self.actors))]
        return [Stance(x * one, y * one, zero, 0.1 * frame * one, one, zero, zero, zero, zero) for x, y in places]

    def triangles(self, frame: int) -> tuple[Float32s, Float32s, Ints]:
        """(T, 3, 3) corners in metres, (T, 3) linear RGB, (T,) person or -1."""
        corners, colours, owners = [self.house], [self.house_colour], [np.full(len(self.house), -1)]
        for person, (actor, stance) in enumerate(zip(self.actors, self.stances(frame), strict=True)):
            mesh, mats = actor.mesh, gait.skeleton(stance[:1], actor.look.height_m, actor.look.seed)[0]
            pos, normals = np.zeros_like(mesh.vertices), np.zeros_like(mesh.vertices)
            bent = mats.astype(np.float32)
            kernels.deform(mesh.vertices, mesh.normals, mesh.bones, mesh.weights, bent, pos, normals)
            corners.append(pos[mesh.triangles])
            colours.append(mesh.materials[mesh.material, :3])
            owners.append(np.full(len(mesh.triangles), person))
        return np.concatenate(corners), np.concatenate(colours), np.concatenate(owners)

    def _house(self) -> tuple[Float32s, Float32s]:
        faces = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6],
                          [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])  # fmt: skip
        bits = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
        boxes = self.scene.boxes.reshape(-1, 2, 3)
        corners = boxes[:, bits, [0, 1, 2]][:, faces].reshape(-1, 3, 3)
        return corners.astype(np.float32), np.repeat(self.scene.surface[:, 1:4], 12, axis=0).astype(np.float32)


def ours(world: World) -> Picture:
    """Our own rasteriser."""
    renderer = Renderer(world.scene, world.lens, sensor_of(world.camera))
    return lambda frame: renderer.shoot(world.actors, world.stances(frame), frame).image


def with_embree(world: World) -> Picture:
    """One ray per pixel against all triangles, built anew for each picture."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    h, w = world.lens.height, world.lens.width
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    rays = world.lens.rays(np.column_stack([x.ravel(), y.ravel()])).astype(np.float32)
    origins = np.tile(np.array(world.lens.position, np.float32), (len(rays), 1))

    def picture(frame: int) -> Image:
        corners, colours, owners = world.triangles(frame)
        scene = EmbreeScene()
        TriangleMesh(scene, corners)
        hit = scene.run(origins, rays)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        facing = np.abs(np.einsum("ij,ij->i", normal[hit], rays))
        assert owners[hit].max() >= 0
        return _bgr((colours[hit] * facing[:, None]).reshape(h, w, 3))

    return picture


def with_moderngl(world: World) -> Picture:
    """OpenGL on Mesa's llvmpipe, through EGL; a second target holds the index of the person."""
    import moderngl

    context = moderngl.create_standalone_context(backend="egl")
    print(f"moderngl draws with {context.info['GL_RENDERER']}")
    h, w = world.lens.height, world.lens.width
    program = context.program(
        vertex_shader="#version 330\nuniform mat4 m; in vec3 at; in vec3 rgb; in float who; out vec3 c; out vec3 p;"
        "flat out int o; void main() { c = rgb; p = at; o = int(who); gl_Position = m * vec4(at, 1); }",
        fragment_shader="#version 330\nuniform vec3 eye; in vec3 c; in vec3 p; flat in int o;"
        "layout(location = 0) out vec4 f; layout(location = 1) out int g; void main() {"
        "vec3 n = normalize(cross(dFdx(p), dFdy(p))); f = vec4(c * abs(dot(n, normalize(eye - p))), 1); g = o; }",
    )
    f, near, far = world.lens.focal_px, 0.2, 100.0
    view = np.eye(4)
    view[:3, :3] = world.lens.rotation * [[1], [-1], [-1]]
    view[:3, 3] = -view[:3, :3] @ np.array(world.lens.position)
    clip = np.zeros((4, 4))
    clip[0, 0], clip[1, 1], clip[3, 2] = 2 * f / w, 2 * f / h, -1
    clip[2, 2:] = (far + near) / (near - far), 2 * far * near / (near - far)
    program["m"].write((clip @ view).T.astype(np.float32).tobytes())
    program["eye"].value = world.lens.position
    colour, owner = context.texture((w, h), 4), context.texture((w, h), 1, dtype="i4")
    target = context.framebuffer([colour, owner], context.depth_renderbuffer((w, h)))
    target.use()
    context.enable(moderngl.DEPTH_TEST)

    def picture(frame: int) -> Image:
        corners, colours, owners = world.triangles(frame)
        rows = np.concatenate([corners, np.repeat(colours[:, None], 3, 1), np.repeat(owners, 3).reshape(-1, 3, 1)], 2)
        buffer = context.buffer(rows.astype(np.float32).tobytes())
        context.clear()
        array = context.vertex_array(program, [(buffer, "3f 3f 1f", "at", "rgb", "who")])
        array.render()
        seen = np.frombuffer(target.read(attachment=0, components=3), np.uint8).reshape(h, w, 3)[::-1] / 255.0
        assert np.frombuffer(target.read(attachment=1, components=1, dtype="i4"), np.int32).max() >= 0
        array.release()
        buffer.release()
        return _bgr(seen)

    return picture


def _bgr(linear: Float32s) -> Image:
    return np.asarray(255 * np.clip(1.4 * linear[:, :, ::-1], 0, 1) ** (1 / 2.2), np.uint8)


def main() -> None:
    """Print the table, and write a picture of each where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    world = World(chosen.people)
    print(f"{'renderer':20} {'ms of CPU':>10} {'pictures/s':>11}")
    for name, make in {"perdure": ours, "embreex": with_embree, "moderngl (EGL)": with_moderngl}.items():
        try:
            picture = make(world)
        except ImportError as error:
            print(f"{name:20} not installed: {error}")
            continue
        picture(0)
        costs = []
        for frame in range(FRAMES):
            began = time.process_time()
            image = picture(frame)
            costs.append(time.process_time() - began)
        cost = statistics.median(costs)
        print(f"{name:20} {1000 * cost:>10.1f} {1 / cost:>11.1f}", flush=True)
        if chosen.out is not None:
            cv2.imwrite(str(chosen.out / f"{name.split()[0]}.png"), image)


if __name__ == "__main__":
    main()
