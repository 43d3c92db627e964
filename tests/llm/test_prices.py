from __future__ import annotations

import pytest

from autoreward.config import LLMConfig
from autoreward.errors import UserError
from autoreward.llm.prices import Prices

OPENAI = "https://api.openai.com/v1"


def test_a_listed_model_has_a_price_and_a_cached_prompt_a_lower_one() -> None:
    prices = Prices(LLMConfig(model="gpt-4o", base_url=OPENAI))
    whole, cached = prices.usd(1_000_000, 0), prices.usd(1_000_000, 0, cached=1_000_000)
    assert whole == pytest.approx(2.5)
    assert cached is not None
    assert 0 < cached < 2.5


def test_the_name_that_the_endpoint_gives_counts_first() -> None:
    prices = Prices(LLMConfig(model="gpt-4o", base_url=OPENAI))
    assert prices.usd(10**6, 0, model="gpt-4o-mini") == pytest.approx(0.15)
    assert prices.usd(10**6, 0, model="somebody-s-fine-tune") == pytest.approx(2.5)


@pytest.mark.parametrize(("model", "url"), [("gpt-4o", "http://localhost:8000/v1"), ("no-such-model", OPENAI)])
def test_an_unknown_price_is_not_nothing(model: str, url: str) -> None:
    assert Prices(LLMConfig(model=model, base_url=url)).usd(10, 10) is None


def test_configured_prices_come_first() -> None:
    assert Prices(LLMConfig(model="gpt-4o", base_url=OPENAI, price_in=1, price_out=3)).usd(10**6, 10**6) == 4.0
    assert Prices(LLMConfig(base_url="http://localhost/v1", price_in=0, price_out=0)).usd(10, 10) == 0.0
    with pytest.raises(UserError, match="together"):
        Prices(LLMConfig(price_in=1.0))
