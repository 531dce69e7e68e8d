# Floats: n bodies pulling at each other, and an integral.
from math import sin, sqrt


class Body:
    def __init__(self, x, y, z, vx, vy, vz, mass):
        self.x = x
        self.y = y
        self.z = z
        self.vx = vx
        self.vy = vy
        self.vz = vz
        self.mass = mass


def system():
    return [
        Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47),
        Body(4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037),
        Body(8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011),
        Body(12.89, -15.11, -0.22, 1.08, 0.86, -0.010, 0.0017),
        Body(15.37, -25.91, 0.17, 0.97, 0.59, -0.034, 0.0020),
    ]


def advance(bodies, dt):
    count = len(bodies)
    for i in range(count):
        one = bodies[i]
        for j in range(i + 1, count):
            two = bodies[j]
            dx = one.x - two.x
            dy = one.y - two.y
            dz = one.z - two.z
            square = dx * dx + dy * dy + dz * dz
            pull = dt / (square * sqrt(square))
            one.vx -= dx * two.mass * pull
            one.vy -= dy * two.mass * pull
            one.vz -= dz * two.mass * pull
            two.vx += dx * one.mass * pull
            two.vy += dy * one.mass * pull
            two.vz += dz * one.mass * pull
    for body in bodies:
        body.x += dt * body.vx
        body.y += dt * body.vy
        body.z += dt * body.vz


def integral(f, a, b, parts):
    step = (b - a) / parts
    total = 0.0
    for i in range(parts):
        total += f(a + (i + 0.5) * step)
    return total * step


def work(size):
    bodies = system()
    for _ in range(size):
        advance(bodies, 0.01)
    area = integral(lambda x: sin(x) * x, 0.0, 3.0, size * 10)
    return int(bodies[0].x * 1000) + int(area * 1000)
