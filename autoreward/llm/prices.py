"""What tokens cost. The price list of `genai-prices` comes with the package: nothing is looked up over the network."""

from __future__ import annotations

from autoreward.config import LLMConfig
from autoreward.errors import UserError
from autoreward.llm.endpoint import endpoint_url

MILLION = 1_000_000


class Prices:
    """Prices of one endpoint: those of the configuration, else those that the list has for this URL and model.

    A server of one's own is in no list, so its price is unknown and not 0, also where the list has a model of that
    name elsewhere.
    """

    def __init__(self, config: LLMConfig) -> None:
        """Nothing is looked up yet.

        Raises:
            UserError: one of the two prices is configured without the other.
        """
        if (config.price_in is None) != (config.price_out is None):
            raise UserError(
                "--llm.price-in and --llm.price-out are given together, in US dollars per million tokens; what costs "
                "nothing is 0"
            )
        self._config, self._url = config, endpoint_url(config)

    def usd(self, prompt: int, completion: int, cached: int = 0, model: str = "") -> float | None:
        """The price of a call in US dollars, or None where it is not known.

        Args:
            prompt: tokens of the prompt, the cached ones included.
            completion: tokens of the reply, those of reasoning included.
            cached: tokens of the prompt that the endpoint had in store. Configured prices make no difference here.
            model: as the endpoint named it; where it is empty or in no list, the configured name counts.
        """
        config = self._config
        if config.price_in is not None and config.price_out is not None:
            return (prompt * config.price_in + completion * config.price_out) / MILLION
        listed = (self._listed(name, prompt, completion, cached) for name in (model, config.model) if name)
        return next((price for price in listed if price is not None), None)

    def _listed(self, model: str, prompt: int, completion: int, cached: int) -> float | None:
        from genai_prices import Usage, calc_price  # as large as all of pydantic

        usage = Usage(input_tokens=prompt, output_tokens=completion, cache_read_tokens=min(cached, prompt))
        try:
            return float(calc_price(usage, model, provider_api_url=self._url).total_price)
        except (LookupError, ValueError):
            return None
