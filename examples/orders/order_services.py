"""The services of the order example. The card service is busy for the first two calls of every order, on purpose."""

from collections import Counter

from stepwell import StepFault, current

calls: Counter[str] = Counter()


def reserve(order: str, amount: float) -> dict[str, object]:
    """Set the goods aside."""
    return {"reservation": f"R-{order}", "amount": amount}


def charge(order: str, amount: float) -> dict[str, object]:
    """Charge the card. The key is the same for every try: a real card service would charge only once for it."""
    calls[order] += 1
    if calls[order] <= 2:
        raise StepFault(
            f"card service busy, order {order} not charged", status=503, title="Card service busy"
        )
    return {"payment": f"P-{order}", "amount": amount, "key": current().key}


def ship(order: str, undeliverable: bool | None = None) -> dict[str, object]:
    """Hand the parcel over."""
    if undeliverable:
        raise StepFault(f"no carrier takes order {order}", status=422, title="Undeliverable")
    return {"order": order, "status": "shipped", "parcel": f"S-{order}"}


def refund(payment: str) -> dict[str, object]:
    """Give the money back."""
    return {"refunded": payment}


def release(reservation: str) -> dict[str, object]:
    """Put the goods back."""
    return {"released": reservation}
