"""Histories as Yahoo tells them: random walks whose past is re-adjusted at every dividend and split, in float32."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import numpy as np

OPENS = time(14, 30)
LAST_DAY = date(2030, 12, 31)


@dataclass(frozen=True)
class Walk:
    """A ticker that trades every weekday; what happens after "today" is not told yet."""

    seed: int
    first: date = date(2015, 1, 2)
    last: date = LAST_DAY
    """Of its trading; it is delisted then."""
    dividends: Mapping[date, float] = field(default_factory=dict)
    """By ex-date, as a share of the close before."""
    splits: Mapping[date, int] = field(default_factory=dict)
    """New shares for one old."""
    nulls: frozenset[date] = frozenset()
    """Days of which Yahoo has no numbers."""
    replaced: Mapping[date, float | None] = field(default_factory=dict)
    """Adjusted closes that Yahoo gets wrong."""
    currency: str = "USD"
    untold: frozenset[date] = frozenset()
    """Days that Yahoo leaves out."""
    zeros: frozenset[date] = frozenset()
    """Days of which Yahoo has zeros."""
    without: frozenset[str] = frozenset()
    """What the metadata lack."""
    listed: date | None = None
    """When Yahoo says that it was first traded, if not `first`."""

    @cached_property
    def days(self) -> list[date]:
        span = (self.first + timedelta(days=i) for i in range((min(self.last, LAST_DAY) - self.first).days + 1))
        return [day for day in span if day.weekday() < 5 and day not in self.untold]

    @cached_property
    def raw(self) -> np.ndarray:
        """Closes as traded, ignoring splits: [days] float64."""
        steps = np.random.default_rng(self.seed).normal(0.0003, 0.02, len(self.days))
        return 50 * np.exp(np.cumsum(steps))

    def told(self, today: date) -> dict[str, list[Any]]:
        """Day, close, adjclose and volume as Yahoo tells them today; None for nulls."""
        n = sum(day <= today for day in self.days)
        days, close = self.days[:n], self.raw[:n].copy()
        adjusted, volume = close.copy(), np.round(1e6 * (1 + np.abs(np.sin(np.arange(n)))))
        for day, share in self.dividends.items():
            if day <= today:
                adjusted[: _before(days, day)] *= 1 - share
        for day, ratio in self.splits.items():
            if day <= today:
                close, adjusted, volume = close / ratio, adjusted / ratio, volume * ratio
        columns = {"close": _float32(close), "adjclose": _float32(adjusted), "volume": [int(v) for v in volume]}
        for i, day in enumerate(days):
            if day in self.nulls | self.zeros:
                for column in columns.values():
                    column[i] = None if day in self.nulls else 0
        for day, value in self.replaced.items():
            columns["adjclose"][days.index(day)] = "Infinity" if value == math.inf else value
        return {"day": days, **columns}

    def chart(self, symbol: str, today: date, start: float, end: float, keep: slice = slice(None)) -> dict[str, Any]:
        """Body of the chart from `start` to `end` (seconds), of which the rows in `keep` are told."""
        told = self.told(today)
        inside = [i for i, day in enumerate(told["day"]) if start <= opening(day) < end][keep]
        column = {name: [told[name][i] for i in inside] for name in told}
        quote = dict.fromkeys(("open", "high", "low", "close"), column["close"]) | {"volume": column["volume"]}
        rows = {
            "timestamp": [opening(day) for day in column["day"]],
            "events": self._events(told, today, start, end),
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": column["adjclose"]}]},
        }
        empty = {"indicators": {"quote": [{}], "adjclose": [{}]}}
        return _result({"meta": self._meta(symbol, told), **(rows if inside else empty)})

    def _meta(self, symbol: str, told: Mapping[str, list[Any]]) -> dict[str, Any]:
        traded = [day for day, close in zip(told["day"], told["close"], strict=True) if close]
        meta = {
            "currency": self.currency,
            "symbol": symbol,
            "exchangeName": "NMS",
            "fullExchangeName": "NasdaqGS",
            "instrumentType": "EQUITY",
            "firstTradeDate": opening(self.listed or self.first),
            "regularMarketTime": opening(traded[-1]) + 23400,
            "hasPrePostMarketData": True,
            "gmtoffset": -18000,
            "timezone": "EST",
            "exchangeTimezoneName": "America/New_York",
            "regularMarketPrice": told["close"][-1],
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        }
        return {key: value for key, value in meta.items() if key not in self.without}

    def _events(self, told: Mapping[str, list[Any]], today: date, start: float, end: float) -> dict[str, Any]:
        def seen(days: Mapping[date, Any]) -> list[date]:
            return [day for day in days if day <= today and start <= opening(day) < end]

        close = dict(zip(told["day"], told["close"], strict=True))
        dividends = {
            str(opening(day)): {"amount": self.dividends[day] * (close[day] or 1), "date": opening(day)}
            for day in seen(self.dividends)
        }
        splits = {
            str(opening(day)): {"date": opening(day), "numerator": n, "denominator": 1, "splitRatio": f"{n}:1"}
            for day in seen(self.splits)
            for n in [self.splits[day]]
        }
        return {name: events for name, events in (("dividends", dividends), ("splits", splits)) if events}


def opening(day: date) -> int:
    """When New York opens, in seconds."""
    return int(datetime.combine(day, OPENS, UTC).timestamp())


def refusal(code: str, description: str) -> dict[str, Any]:
    """Body of a chart that Yahoo does not have."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _result(result: dict[str, Any]) -> dict[str, Any]:
    return {"chart": {"result": [result], "error": None}}


def _before(days: list[date], day: date) -> int:
    return sum(d < day for d in days)


def _float32(values: np.ndarray) -> list[Any]:
    return [float(v) for v in values.astype(np.float32)]
