"""Not run: mypy reads it, and `test_typing` what it says of each line with a `reveal_type`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell import Retry, Stepwell, connect, flow, step, workflow

if TYPE_CHECKING:
    from typing import reveal_type


class Order:
    pass


@step
async def fetch(id: int, *, fresh: bool = False) -> Order:
    return Order()


@step(retry=Retry(attempts=3), timeout=5)
def price(order: Order, note: str = "") -> float:
    return 1.0


class Shop:
    @step
    async def sell(self, order: Order) -> str:
        return "sold"


@workflow
async def checkout(id: int, note: str | None = None) -> float:
    order = await fetch(id)
    reveal_type(order)  # Order
    reveal_type(price(order))  # float
    reveal_type(await Shop().sell(order))  # str
    reveal_type(await child(1))  # bool
    await flow.sleep(1)
    return price(order)


@workflow(name="child", version=2)
async def child(n: int) -> bool:
    return n > 1


@workflow
def plain(n: int) -> str:
    return str(n)


def wrong(order: Order) -> None:
    fetch("seven")  # error: arg-type
    fetch(7, stale=True)  # error: call-arg
    price(order, 3)  # error: arg-type
    price()  # error: call-arg
    checkout()  # error: call-arg
    plain("x")  # error: arg-type


async def program(engine: Stepwell) -> None:
    reveal_type(fetch)  # Step[[id: int, *, fresh: bool =], Coroutine[Any, Any, Order]]
    reveal_type(price)  # Step[[order: Order, note: str =], float]
    reveal_type(checkout)  # Workflow[[id: int, note: str | None =], Coroutine[Any, Any, float]]
    reveal_type(plain(1))  # str
    reveal_type(await checkout(1))  # float
    await engine.start(checkout, 1)


def blocking_program() -> None:
    with connect("x.db") as engine:
        reveal_type(engine.start(checkout, 1, key="k"))  # str
        reveal_type(engine.show("x"))  # dict[str, Any]
        reveal_type(engine.upcoming("s"))  # list[str]
        reveal_type(engine.stream("x", "lines"))  # Iterator[Any]
        engine.schedule("s", checkout, 1, evry=5)
        engine.pause("x", 5)  # error: arg-type
        engine.trigger_schedule("s", kye="x")  # error: call-arg
