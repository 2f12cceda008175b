"""An agent: asks a model what to do, calls its tools, tells what it thinks, and publishes what a person approves."""

import asyncio
import sys

from stepwell import Stepwell, flow, step, workflow


@step
async def ask_model(messages: list[dict[str, str]]) -> dict[str, str]:
    """A stand-in: put the call of your model here. Its answer is on record, and is not asked for again."""
    found = [message["says"] for message in messages if message["role"] == "tool"]
    if len(found) < 2:
        return {"role": "model", "says": "let me see", "tool": ["search", "weather"][len(found)]}
    return {"role": "model", "says": f"Go: {' and '.join(found)}."}


@step(retry=3)
async def search(about: str) -> str:
    return f"{about} has a museum"


@step(retry=3)
async def weather(place: str) -> str:
    return f"it is sunny in {place}"


@step(irreversible=True)
async def publish(text: str, by: str) -> str:
    return f"{text} (approved by {by})"


@workflow
async def agent(place: str, patience: float = 172_800) -> str:
    messages = [{"role": "user", "says": place}]
    while "tool" in (answer := await ask_model(messages)):
        flow.write_stream("thoughts", f"{answer['says']}: {answer['tool']}")
        tool = {"search": search, "weather": weather}[answer["tool"]]
        messages += [answer, {"role": "tool", "says": await tool(place)}]
    flow.close_stream("thoughts")
    flow.set_event("draft", answer["says"])
    try:
        approval = await flow.wait_for_signal("approval", timeout=patience)
    except TimeoutError:
        return "nobody looked at it"
    return await publish(answer["says"], approval["by"])


async def main(database: str) -> None:
    async with Stepwell.open(database) as engine:
        handle = await engine.start(agent, "Oslo")
        async for thought in handle.stream("thoughts"):
            print("…", thought)
        print("to approve:", await handle.get_event("draft"))
        await handle.signal("approval", {"by": "Ann"})
        print(await handle.result())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "agent.db"))
