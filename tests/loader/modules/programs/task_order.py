import asyncio

from probe import Random

numbers = Random(1)
log = []


async def worker(name, event, lock, depth):
    try:
        for step in range(6):
            choice = numbers.below(7)
            log.append((name, step, choice))
            if choice == 0:
                await asyncio.sleep(0)
            elif choice == 1:
                await asyncio.sleep_ms(0)
            elif choice == 2:
                await lock.acquire()
                await asyncio.sleep_ms(0)
                lock.release()
            elif choice == 3:
                event.set()
                await asyncio.sleep_ms(0)
                event.clear()
            elif choice == 4 and depth < 2:
                task = asyncio.create_task(worker(name * 10 + step, event, lock, depth + 1))
                if numbers.below(2):
                    await task
                elif numbers.below(2):
                    task.cancel()
            elif choice == 5 and depth < 2:
                parts = [worker(name * 10 + part, event, lock, depth + 1) for part in (7, 8)]
                keep = bool(numbers.below(2))
                try:
                    log.append(await asyncio.gather(*parts, return_exceptions=keep))
                except ValueError:
                    log.append(("gather", name))
            elif choice == 6:
                if numbers.below(4) == 0:
                    raise ValueError(name)
                try:
                    await asyncio.wait_for_ms(event.wait(), 0)
                except asyncio.TimeoutError:
                    log.append(("timeout", name))
    except asyncio.CancelledError:
        log.append(("cancelled", name))
        raise
    return name


async def main():
    def handler(loop, context):
        log.append(("handler", repr(context["exception"])))

    asyncio.get_event_loop().set_exception_handler(handler)
    for seed in range(25):
        numbers.state = seed * 7919 + 1
        event, lock = asyncio.Event(), asyncio.Lock()
        tasks = [asyncio.create_task(worker(name, event, lock, 0)) for name in range(1, 5)]
        for task in tasks:
            try:
                log.append(await task)
            except Exception as error:
                log.append(repr(error))
        for _ in range(30):
            await asyncio.sleep_ms(0)
        print(seed, len(log))
        for line in log:
            print(line)
        log.clear()


asyncio.run(main())
