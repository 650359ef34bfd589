"""The words that the pretended model knows: data only, put together by `prose`."""

OPENERS = (
    "In short,", "As far as I can tell,", "Naturally,", "Of course,", "Last winter,", "Every morning,", "Strangely,",
    "After a while,", "To be honest,", "Somewhere else,", "Before noon,", "By the way,", "On good days,", "Even so,",
)  # fmt: skip
SUBJECTS = (
    "the baker", "a tall lighthouse", "my neighbour", "the old library", "a patient engineer", "the night train",
    "the orchestra", "a small river", "the museum guide", "our teacher", "a red kite", "the ferry", "an honest clock",
    "the gardener", "a quiet village", "the astronomer", "a stray cat", "the first snow", "the market", "the captain",
)  # fmt: skip
VERBS = (
    "remembers", "describes", "carries", "repairs", "follows", "watches", "celebrates", "paints", "collects",
    "understands", "borrows", "discovers", "translates", "guards", "measures", "admires", "counts", "hides",
)  # fmt: skip
OBJECTS = (
    "a bowl of warm soup", "seven blue letters", "the map of the harbour", "a long and gentle story", "three keys",
    "the sound of rain", "an unfinished bridge", "a handful of seeds", "the colours of autumn", "a wooden boat",
    "the shape of the hills", "a simple answer", "the names of the stars", "an old photograph", "42 paper lanterns",
    "a song about the sea", "the road home", "a promise", "fresh bread and honey", "the smallest detail",
)  # fmt: skip
TAILS = (
    "near the old café", "in the streets of Zürich", "on the way to São Paulo", "under the bridges of Kraków",
    "with a naïve smile", "before the fiancée arrives", "beside the Škoda garage", "for the señor of the house",
    "at the Ångström institute", "over a crème brûlée", "between Tromsø and Malmö", "in a town called Þingeyri",
    "below the sign 「東京駅」", "where the banner says 你好", "next to the letters αβγ", "for about €12", "at −4 °C",
)  # fmt: skip
PLAIN_TAILS = (
    "without a word", "in the morning light", "for a whole week", "as if nothing had happened", "again and again",
    "with great care", "behind the station", "until the lamps go out", "because it is Sunday", "once a year",
)  # fmt: skip
FOREIGN_SENTENCES = (
    "C'est déjà l'été, et la forêt sent le miel.", "Das Mädchen grüßt höflich und läuft über die Brücke.",
    "El niño soñó con un pingüino.", "東京は今日も雨です。", "小猫在窗边睡觉。", "Η θάλασσα είναι ήρεμη.",
    "Кошка спит у окна.", "비가 조용히 내립니다.", "Çok güzel bir gün.", "Příliš žluťoučký kůň úpěl.",
    "Xin chào, hôm nay trời đẹp.", "שלום, מה שלומך היום?", "مرحبا، كيف حالك؟",
)  # fmt: skip
EMOJI = ("🙂", "🎉", "🌊", "☕️", "🚀", "👍🏽", "👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇯🇵", "🧑🏾‍🔬", "❤️‍🔥")

JSON_KEYS = ("title", "summary", "city", "score", "tags", "note", "language", "count", "valid", "author", "when")
"""Keys of the free JSON objects."""
