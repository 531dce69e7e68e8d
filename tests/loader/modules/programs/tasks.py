import asyncio

from probe import show


async def count(name, delay):
    for step in range(3):
        print(name, step)
        await asyncio.sleep_ms(delay)
    return name * 10


async def fail():
    await asyncio.sleep_ms(1)
    raise ValueError("x")


async def attempt(awaitable):
    try:
        print("result", await awaitable)
    except (asyncio.CancelledError, Exception) as error:
        print("error", repr(error))


async def main():
    task, other = asyncio.create_task(count(1, 10)), asyncio.create_task(count(2, 15))
    print(task, task.done(), task.data, task.state)
    print(await task, await other, task.done(), task.state, task.data)
    await attempt(asyncio.gather(count(3, 10), count(4, 15)))
    await attempt(asyncio.gather(count(5, 20), fail()))
    await asyncio.sleep_ms(100)
    await attempt(asyncio.gather(count(6, 10), fail(), return_exceptions=True))
    await attempt(asyncio.gather())
    await attempt(asyncio.wait_for(count(7, 50), 0.02))
    await attempt(asyncio.wait_for_ms(count(7, 50), 20))
    await attempt(asyncio.wait_for(count(8, 1), 1))
    await attempt(asyncio.wait_for(count(8, 1), None))
    await attempt(asyncio.wait_for(fail(), 1))
    task = asyncio.create_task(count(9, 5))
    print(task.cancel())
    await attempt(task)
    print(task.cancel(), task.done())
    event = asyncio.Event()

    async def wait(name):
        await event.wait()
        print("woke", name)

    waiting = [asyncio.create_task(wait(name)) for name in range(3)]
    await asyncio.sleep(0)
    event.set()
    print("set", event.is_set())
    for task in waiting:
        await task
    event.clear()
    lock = asyncio.Lock()
    show(lock.release)
    flag = asyncio.ThreadSafeFlag()

    async def flagged():
        await flag.wait()
        print("flag")

    task = asyncio.create_task(flagged())
    await asyncio.sleep_ms(2)
    flag.set()
    await task
    show(asyncio.create_task, 5)
    show(asyncio.create_task, count)
    show(asyncio.current_task().cancel)

    async def stubborn():
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            print("cancelling")
            raise
        finally:
            print("finally")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    print(task.done())

    def handler(loop, context):
        print("handler", context["message"], context["exception"], sorted(context.keys()))

    loop = asyncio.get_event_loop()
    loop.set_exception_handler(handler)
    asyncio.create_task(fail())
    await asyncio.sleep_ms(10)
    print(loop.get_exception_handler() is handler)
    return "returned"


print(asyncio.run(main()))
show(asyncio.current_task)
show(asyncio.run, fail())
show(asyncio.run, 5)
loop = asyncio.new_event_loop()
print(loop is asyncio.Loop)
loop.create_task(count(11, 1))
show(loop.run_until_complete, count(12, 1))


async def stop():
    await asyncio.sleep_ms(5)
    asyncio.get_event_loop().stop()


asyncio.create_task(stop())
show(loop.run_forever)
show(loop.close)
show(loop.call_exception_handler, {"message": "m", "exception": ValueError("q"), "future": None})
print(issubclass(asyncio.CancelledError, Exception), issubclass(asyncio.TimeoutError, Exception))
