"""An order: paid, packed and sent, each on record; what was done is undone when nobody can bring it."""

import asyncio
import sys

from stepwell import Retry, Stepwell, current, step, workflow


class NoCarrier(Exception): ...


@step
async def refund(order: int, amount: float, result: str) -> str:
    return f"{amount} of {result} paid back"


@step
async def unpack(order: int) -> str:
    return f"order {order} is on the shelf again"


@step(compensate=refund, retry=Retry(attempts=3, delay=0.1, on=(ConnectionError,)))
async def charge(order: int, amount: float) -> str:
    if current().attempt == 1:
        raise ConnectionError("the bank does not answer")
    return f"P-{order}"


@step(compensate=unpack)
async def pack(order: int) -> None: ...


@step(irreversible=True)
async def send(order: int, country: str, carrier: str) -> str:
    if country == "AQ" or (country != "DE" and carrier == "van"):
        raise NoCarrier(f"no {carrier} goes to {country}")
    return f"{carrier} {order}"


@workflow
async def place_order(order: int, amount: float, country: str = "DE") -> dict[str, str]:
    payment = await charge(order, amount)
    await pack(order)
    try:
        parcel = await send(order, country, "van")
    except NoCarrier:
        parcel = await send(order, country, "ship")
    return {"payment": payment, "parcel": parcel}


async def main(database: str) -> None:
    async with Stepwell.open(database) as engine:
        print(await engine.run(place_order, 1, 42.5, "NO"))
        handle = await engine.start(place_order, 2, 9.0, "AQ")
        print((await handle.wait())["error"]["detail"])
        print([(step["name"], step["status"]) for step in await handle.steps()])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "saga.db"))
