"""What a chat page asks for by itself is told from what a person asks, in any page's words."""

import pytest

from daemon.chat.chores import is_chore

SAID = "I live in Ghent and want to grow tomatoes on my balcony."
ANSWER = "Start in April, in pots of twenty litres, and water them every day."
CHAT = [("user", SAID), ("assistant", ANSWER)]
TALK = f"USER: {SAID}\nASSISTANT: {ANSWER}"
IN_TAGS = f"<chat_history>\n{TALK}\n</chat_history>"
PAGES = {
    "title, as Open WebUI": [("user", "### Task:\nGenerate a 3-5 word title with an emoji of the chat "
        f'history.\n### Output:\nJSON format: {{ "title": "your title here" }}\n### Chat History:\n{IN_TAGS}')],
    "tags": [("user", f'### Task:\nGenerate 1-3 tags.\n### Output:\nJSON format: {{ "tags": ["a"] }}\n{IN_TAGS}')],
    "follow-ups": [("user", f'### Task:\nSuggest 3-5 follow-ups.\nJSON: {{ "follow_ups": ["Q?"] }}\n{IN_TAGS}')],
    "search query": [("user", f'Analyze the chat history. Respond with {{ "queries": ["q"] }}\n{IN_TAGS}')],
    "autocompletion": [("user", "### Task:\nYou are an autocompletion system. Output JSON: "
        f'{{ "text": "<your_completion>" }}\n{IN_TAGS}\n<text>How do I</text>')],
    "in a language without words here": [("user", f'Sortu izenburu bat.\nJSON: {{ "izena": "..." }}\n{IN_TAGS}')],
    "title behind the chat, as Zed": [*CHAT, ("user", "Generate a concise 3-7 word title for this conversation, "
        "omitting punctuation. Go straight to the title, without any preamble.")],
    "title, as LibreChat": [("user", "Please generate a concise, 5-word-or-less title for the conversation, using its "
        f"same language, with no punctuation. Only return the title.\n{TALK}")],
    "title by a system turn": [("system", "You are a title generator. You output ONLY a thread title. Nothing else."),
        ("user", SAID)],
    "topic by a system turn": [("system", "Analyze if this message indicates a new conversation topic. Format your "
        'response as a JSON object with two fields: {"isNewTopic": true, "title": "x"}. Only that.'), ("user", SAID)],
    "summary behind the chat": [*CHAT, ("user", "Summarize the conversation so far in at most 200 words, as a prompt "
        "for what follows. Do not add anything.")],
    "German": [*CHAT, ("user", "Erzeuge einen kurzen Titel für diese Unterhaltung. Antworte nur mit dem Titel, ohne "
        "Anführungszeichen.")],
    "French": [*CHAT, ("user", "Donne un titre court à cette conversation, 5 mots au plus. Réponds uniquement avec le "
        "titre, sans guillemets.")],
    "Spanish": [("user", f"Genera un título para la conversación, solo el título, sin comillas.\n\n{TALK}")],
    "Polish": [*CHAT, ("user", "Podaj krótki tytuł tej rozmowy, tylko tytuł, bez cudzysłowów.")],
    "Russian": [*CHAT, ("user", "Придумай заголовок для этого диалога, только заголовок, без кавычек.")],
    "Chinese, as NextChat": [*CHAT, ("user", "使用四到五个字直接返回这句话的简要主题,不要解释、不要标点、不要语气词")],
    "Chinese, by a system turn": [("system", "你是一名擅长会话的助理，你将会话总结为10个字以内的标题，不要标点"),
        ("user", SAID)],
    "Japanese": [*CHAT, ("user", "この会話の短いタイトルを10文字以内で、タイトルのみ出力してください。")],
    "Korean": [*CHAT, ("user", "이 대화의 짧은 제목만 따옴표 없이 출력하세요.")],
    "Arabic": [*CHAT, ("user", "اكتب عنوان قصير لهذه المحادثة، العنوان فقط.")],
    "the page's translator": [("system", "You are a professional, authentic machine translation engine."),
        ("user", "Translate the following text to German, output only the translation:\n\nSettings")],
    "a form to fill in": [("user", "Translate the following source text to English, only the translation.\n"
        "Source Text: Einstellungen\nTranslated Text:")],
}  # fmt: skip
PEOPLE = {
    "a statement": [("user", SAID)],
    "a title for a novel": [("user", "Gib mir nur einen Titel für meinen Roman, ohne Anführungszeichen.")],
    "a title for a talk": [("user", "I need a short title for my talk about tomatoes. Only one, please.")],
    "a summary of what was said": [*CHAT, ("user", "Can you sum up our conversation?")],
    "another": [*CHAT, ("user", "Fass unser Gespräch zusammen.")],
    "an article to summarise": [("user", f"Summarise this article in 3 sentences, do not add anything:\n\n{ANSWER}")],
    "JSON of a person": [("user", 'What is wrong with {"title": "x", "tags": []}?')],
    "a schema for chats": [("user", 'Write a JSON schema for a conversation: {"role": "user"}')],
    "a tag in question": [("user", 'What is wrong with <message>{"id": 1}</message>?')],
    "a chat that was quoted": [("user", f"Was hältst du von diesem Chat?\n{TALK}")],
    "a question about chats": [("user", "How do I export a conversation from WhatsApp? Only on Android.")],
    "an assistant for everything": [("system", "You are a helpful assistant. Be concise. Never use emojis. "
        "Today is Monday."), ("user", "Where do I live?")],
    "a translation": [("user", "Translate into German: I live in Ghent.")],
    "sources and a question": [("user", "### Task:\nRespond to the user query using the provided context.\n"
        f"<context>\n<source id='1'>{ANSWER}</source>\n</context>\n\nWhen do I sow?")],
}  # fmt: skip


@pytest.mark.parametrize("case", PAGES)
def test_a_page_is_known_by_what_it_asks_for(case):
    assert is_chore(PAGES[case])


@pytest.mark.parametrize("case", PEOPLE)
def test_a_person_is_no_page(case):
    assert not is_chore(PEOPLE[case])
