"""Numbers, dates, times, money and units, as an American or an English reader says them."""

from __future__ import annotations

import pytest

from voxint.normalize import normalize


def said(text: str, *, british: bool = False) -> str:
    """Return all that is said for a text."""
    return "".join(span.spoken for span in normalize(text, "en", british=british))


NUMBERS = [
    ("0", "zero"),
    ("13 of 99", "thirteen of ninety-nine"),
    ("105 people", "one hundred five people"),
    ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
    ("1_000_000 rows", "one million rows"),
    ("1,00,000 rupees", "one hundred thousand rupees"),
    ("about 1.234 of it", "about one point two three four of it"),
    ("2.01 or 1.50", "two point zero one or one point five zero"),
    (".5 is less", "zero point five is less"),
    ("It fell to -5.", "It fell to minus five."),
    ("+3 and ±2", "plus three and plus or minus two"),
    ("account 12345678901", "account one two three four five six seven eight nine zero one"),
    ("agent 007", "agent zero zero seven"),
    ("1,2 and 3", "one, two and three"),
    ("Is it 42? (42) [42]", "Is it forty-two? (forty-two) [forty-two]"),
    ("1e6 and 3.5e-4", "one times ten to the six and three point five times ten to the minus four"),
    ("10^6, 2^10, x^2.", "ten to the power of six, two to the power of ten, x squared."),
    ("+1234", "plus one thousand two hundred thirty-four"),
    ("The 1st, 2nd, 3rd and 22nd", "The first, second, third and twenty-second"),
    ("the 101st time", "the one hundred first time"),
    ("20th-century art", "twentieth century art"),
    ("1/2 of 3/4 of 5/8", "one half of three quarters of five eighths"),
    ("1 1/2 cups, 2 3/4 cups", "one and a half cups, two and three quarters cups"),
    ("8/10, 4.5/5", "eight out of ten, four point five out of five"),
    ("Error 404, DC 20500", "Error four oh four, DC two zero five zero zero"),
    ("1600 Pennsylvania Ave.", "sixteen hundred Pennsylvania Avenue."),
    ("7/200", "seven over two hundred"),
    ("24/7 help, 50/50", "twenty-four seven help, fifty fifty"),
    ("½ cup, 1½ cups", "one half cup, one and one half cups"),
    ("5-10 days", "five to ten days"),
    ("21–14 at the half", "twenty-one to fourteen at the half"),
    ("5 - 3 = 2", "five minus three equals two"),
    ("5-3=2", "five minus three equals two"),
    ("3 × 4, 1920x1080", "three times four, nineteen twenty by ten eighty"),
    ("16:9 or 3:1", "sixteen to nine or three to one"),
    ("Version 3.11.7", "Version three point eleven point seven"),
    ("v1.2 and v1.2.3", "version one point two and version one point two point three"),
    ("Python 3.11 on Ubuntu 22.04", "Python three point eleven on Ubuntu twenty-two point oh four"),
    ("192.168.0.1", "one nine two dot one six eight dot zero dot one"),
    ("127.0.0.1:80", "one two seven dot zero dot zero dot one port eighty"),
    ("call 911", "call nine one one"),
    ("555-123-4567", "five five five, one two three, four five six seven"),
    ("(415) 555-0132", "four one five, five five five, zero one three two"),
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("1-800-555-1234.", "one, eight zero zero, five five five, one two three four."),
    ("#1, order #12345", "number one, order number one two three four five"),
    ("Boeing 747, Route 66, Room 101", "Boeing seven forty-seven, Route sixty-six, Room one oh one"),
    ("UA 1542", "UA fifteen forty-two"),
    ("24-hour shifts, a 5-year-old", "twenty-four hour shifts, a five year old"),
    ("١٢ or １２", "twelve or twelve"),
    ("The code 404 means it", "The code four zero four means it"),
    ("Your code is 482913.", "Your code is four eight two nine one three."),
    ("PIN: 4821, the zip code is 94103", "PIN: four eight two one, the zip code is nine four one zero three"),
    ("zip 10001-1234", "zip one zero zero zero one, one two three four"),
    ("your card ending in 4242", "your card ending in four two four two"),
    ("The code is 500 lines long.", "The code is five hundred lines long."),
    (
        "card 4111 1111 1111 1111",
        "card four one one one, one one one one, one one one one, one one one one",
    ),
    ("911 or 9-1-1", "nine one one or nine one one"),
    ("911 people", "nine hundred eleven people"),
    ("555.123.4567", "five five five, one two three, four five six seven"),
    ("1-800-FLOWERS", "one, eight hundred, FLOWERS"),
    ("a 401(k)", "a four oh one K"),
    ("3x faster, a 3x zoom", "three times faster, a three x zoom"),
    ("1234 W. 5th St.", "twelve thirty-four W. fifth Street."),
    ("350 5th Ave, New York", "three fifty fifth Avenue, New York"),
    ("P.O. Box 1234", "P.O. Box twelve thirty-four"),
    ("① x² m³ 10⁶", "one x squared m cubed ten to the power of six"),
]

DATES = [
    ("in 1999, 1905 and 2000", "in nineteen ninety-nine, nineteen oh five and two thousand"),
    ("since 2007, in 2026", "since two thousand seven, in twenty twenty-six"),
    ("in 1800", "in eighteen hundred"),
    ("the battle of 1066, c. 1450", "the battle of ten sixty-six, circa fourteen fifty"),
    ("(1756–1791)", "(seventeen fifty-six to seventeen ninety-one)"),
    ("1500 apples", "one thousand five hundred apples"),
    ("1650 people", "one thousand six hundred fifty people"),
    ("2026 files", "two thousand twenty-six files"),
    ("2010–2015", "twenty ten to twenty fifteen"),
    ("the 2000s and 1980s", "the two thousands and nineteen eighties"),
    ("the '90s, in her 30s", "the nineties, in her thirties"),
    ("summer of '68", "summer of sixty-eight"),
    ("mid-2026", "mid twenty twenty-six"),
    ("2026-11-30", "November thirtieth, twenty twenty-six"),
    ("2026-11-30T10:30:00Z", "November thirtieth, twenty twenty-six, at ten thirty UTC"),
    ("11/30/2026", "November thirtieth, twenty twenty-six"),
    ("13/6/2024", "June thirteenth, twenty twenty-four"),
    ("30.11.2026", "November thirtieth, twenty twenty-six"),
    ("on 11/30", "on November thirtieth"),
    ("from 6/1 to 6/8", "from June first to June eighth"),
    ("It is 6/1 at 2pm.", "It is June first at two p.m."),
    ("from 1/2 to 3/4 cup", "from one half to three quarters cup"),
    ("between 1/2 and 3/4 cup", "between one half and three quarters cup"),
    ("1/2 at 350°", "one half at three hundred fifty degrees"),
    ("30 Nov 2026", "the thirtieth of November, twenty twenty-six"),
    ("the 5th of May", "the fifth of May"),
    ("the 30th Nov", "the thirtieth of November"),
    ("Nov. 30th", "November thirtieth"),
    ("November 30, 2026", "November thirtieth, twenty twenty-six"),
    ("Nov 2026", "November twenty twenty-six"),
    ("May 5-7", "May fifth to seventh"),
    ("Sat., Nov. 30; Sat down", "Saturday, November thirtieth; Sat down"),
    ("Mon-Fri", "Monday to Friday"),
    ("at 10:30.", "at ten thirty."),
    ("10:30am", "ten thirty a.m."),
    ("at 10:30 a.m. on", "at ten thirty a.m. on"),
    ("7 p.m. sharp", "seven p.m. sharp"),
    ("It is 7PM.", "It is seven p.m."),
    ("10:00 or 10:05", "ten o'clock or ten oh five"),
    ("10:00 a.m.", "ten a.m."),
    ("14:05, 14:00", "fourteen oh five, fourteen hundred"),
    ("00:00", "midnight"),
    ("10:30:15", "ten thirty and fifteen seconds"),
    ("9am-5pm", "nine a.m. to five p.m."),
    ("9:00–17:00", "nine o'clock to seventeen hundred"),
    ("10:30-11:30am, 9-5pm", "ten thirty to eleven thirty a.m., nine to five p.m."),
    ("13:30 pm, 25:00", "thirteen thirty p.m., twenty-five to zero"),
    ("1h30m", "one hour thirty minutes"),
]

MONEY_AND_UNITS = [
    ("$19.99", "nineteen dollars and ninety-nine cents"),
    ("$1, £1.01", "one dollar, one pound and one penny"),
    ("$0.99 or $.99", "ninety-nine cents or ninety-nine cents"),
    ("$0.00, $2.00", "zero dollars, two dollars"),
    ("£5, €1.50, ¥100", "five pounds, one euro and fifty cents, one hundred yen"),
    ("$1.5M and $3bn", "one point five million dollars and three billion dollars"),
    ("$2 million.", "two million dollars."),
    ("$100k", "one hundred thousand dollars"),
    ("US$5, 5 USD, EUR 10", "five US dollars, five US dollars, ten euros"),
    ("10 €", "ten euros"),
    ("-$5", "minus five dollars"),
    ("$5-10", "five to ten dollars"),
    ("$50k-$60k", "fifty thousand dollars to sixty thousand dollars"),
    ("$20/month, €7/kg", "twenty dollars per month, seven euros per kilogram"),
    ("$1,234.56", "one thousand two hundred thirty-four dollars and fifty-six cents"),
    ("50¢", "fifty cents"),
    ("5 km, 1 km", "five kilometers, one kilometer"),
    ("30°C, 72°F, 30°", "thirty degrees Celsius, seventy-two degrees Fahrenheit, thirty degrees"),
    ("-20°C to 50°C", "minus twenty degrees Celsius to fifty degrees Celsius"),
    ("80 km/h", "eighty kilometers per hour"),
    ("5 mg/kg", "five milligrams per kilogram"),
    ("16 GB, 10 ms", "sixteen gigabytes, ten milliseconds"),
    ("100 Mbps at 2.4 GHz", "one hundred megabits per second at two point four gigahertz"),
    ("5'11\" tall", "five foot eleven tall"),
    ('a 27" screen', "a twenty-seven inch screen"),
    ('It is 27" wide.', "It is twenty-seven inches wide."),
    ("a $5 bill, a $2 million prize", "a five dollar bill, a two million dollar prize"),
    ('He said "I am 12" and left.', 'He said "I am twelve" and left.'),
    ("100 %, 5%, 10–20%", "one hundred percent, five percent, ten to twenty percent"),
    ("20%-30%", "twenty percent to thirty percent"),
    ("149.6 million km", "one hundred forty-nine point six million kilometers"),
    ("5GB/day, 1/4 tsp", "five gigabytes per day, one quarter teaspoon"),
    ("a 5-km run", "a five kilometer run"),
    ("5km-10km", "five kilometers to ten kilometers"),
    ("20 m², 3 m^3", "twenty square meters, three cubic meters"),
    ("3 tbsp. butter, 1/4 tsp. salt", "three tablespoons butter, one quarter teaspoon salt"),
    ("2 1/4 tsp of salt", "two and a quarter teaspoons of salt"),
    ("Approx. 20 sq. ft.", "Approximately twenty square feet."),
    ("5 ft 11 in.", "five feet eleven inches."),
    ("5 ft 2 in a row", "five feet two in a row"),
    ("A 60 W. The", "A sixty watts. The"),
    ("10 in. of snow", "ten inches of snow"),
    ("12 kts", "twelve knots"),
    ("5 lbs 3 oz", "five pounds three ounces"),
]

BRITISH = [
    ("105 people", "one hundred and five people"),
    ("1,000,001", "one million and one"),
    ("1,234", "one thousand two hundred and thirty-four"),
    ("the 101st", "the one hundred and first"),
    ("in 2001", "in two thousand and one"),
    ("01/02/2026", "the first of February, twenty twenty-six"),
    ("11/30/2026", "the thirtieth of November, twenty twenty-six"),
    ("2026-11-30", "the thirtieth of November, twenty twenty-six"),
    ("November 30", "November the thirtieth"),
    ("Press #.", "Press hash."),
    ("020 7946 0958", "oh two oh, seven nine four six, oh nine five eight"),
]


@pytest.mark.parametrize(("written", "spoken"), NUMBERS + DATES + MONEY_AND_UNITS)
def test_what_is_counted_is_said_in_words(written: str, spoken: str) -> None:
    """As an American reads it aloud."""
    assert said(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), BRITISH)
def test_british_english_has_its_own_order(written: str, spoken: str) -> None:
    """The day comes first, and hundreds have an "and"."""
    assert said(written, british=True) == spoken


def test_the_day_comes_second_in_america() -> None:
    """The same digits are another date."""
    assert said("01/02/2026") == "January second, twenty twenty-six"
