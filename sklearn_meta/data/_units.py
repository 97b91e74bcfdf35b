"""Currencies, units of measurement, scales and units of time in strings of numbers."""

from __future__ import annotations

# Signs and ISO 4217 codes, upper case.
CURRENCIES = frozenset(
    "$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₫ ₪ ₦ ₱ ฿ ₡ ₲ ₸ ¢ R$ US$ C$ A$ NZ$ HK$ S$ KR KČ ZŁ FT LEI RS "
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR "
    "ISK JPY KES KRW MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK "
    "SGD THB TRY TWD UAH USD UYU VND ZAR".split()
)

# Abbreviations of powers of thousand, lower case.
SCALES = {
    "k": 1e3,
    "tsd": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "mln": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
    "billion": 1e9,
}

# Hours of common time zones from UTC.
ZONES = {
    **{"UTC": 0, "GMT": 0, "WET": 0, "Z": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2},
    **{"EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "JST": 9, "EST": -5, "EDT": -4},
    **{"CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
}

# Units that may follow all numbers of a column.
UNITS = frozenset(
    "% ‰ ° °C °F C F K mm cm dm m km in inch inches ft feet yd mi mile miles nm "
    "mg g kg t lb lbs oz µg ug ml cl dl l L gal m2 m² sqm sqft ft2 ft² ha acres m3 m³ "
    "km2 km² cc mph km/h kmh kph m/s rpm hp bhp PS kW W MW kWh Wh MWh V A mA mAh Ah Hz "
    "kHz MHz GHz B KB kB MB GB TB kbps Mbps Gbps bar psi hPa kPa Pa mmHg mmol/L mg/dL "
    "g/dL U/L IU bpm kcal cal kJ J px dpi mpg kmpl km/kg ppm ppb pt pts pcs x dB "
    "years yrs yr persons people rooms stars".split()
)
# Single letters are too often something else: "12a" is the number of a house.
_UNITS_IN_LOWER_CASE = {unit.lower() for unit in UNITS if len(unit) > 1} - set(SCALES)


def is_unit(affix) -> bool:
    """Return whether a string is a unit, in usual spelling or another case.

    Parameters
    ----------
    affix : str

    Returns
    -------
    found : bool
    """
    return affix in UNITS or affix.lower() in _UNITS_IN_LOWER_CASE


_SECOND = 1_000.0
_DAY = 86_400 * _SECOND
_ABBREVIATIONS = {
    _SECOND / 1000: "ms msec millisecond milliseconds",
    _SECOND: "s sec secs second seconds",
    60 * _SECOND: "min mins minute minutes m",
    3600 * _SECOND: "h hr hrs hour hours",
    _DAY: "d day days",
    7 * _DAY: "w wk wks week weeks",
    30.436875 * _DAY: "mo mos month months",
    365.2425 * _DAY: "y yr yrs year years",
}

# Milliseconds of each unit of time, by its abbreviations in lower case.
DURATION_UNITS = {
    name: milliseconds
    for milliseconds, names in _ABBREVIATIONS.items()
    for name in names.split()
}
