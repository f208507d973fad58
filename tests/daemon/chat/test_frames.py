"""A person's own words are found in whatever a client sends around them, and what a person types stays whole."""

import time

import pytest

from daemon.chat.frames import own_words

ASKED = "Where do I live, and since when?"
DOC = (
    "The town of Ghent lies in Flanders, where the Lys meets the Scheldt. Anna Peeters has lived there. " * 3
)
FRAMED = {
    "sources and guidelines before, as Open WebUI": f"""### Task:
Respond to the user query using the provided context, incorporating inline citations.

### Guidelines:
- If you don't know the answer, say so.

### Output:
Provide a clear and direct response.

<context>
<source id="1" name="ghent.pdf">{DOC}</source>
<source id="2" name="x.md">{DOC}</source>
</context>

{ASKED}""",
    "the same, with a tag around the query": f"### Task:\nRespond.\n<context>\n{DOC}\n</context>\n\n"
    f"<user_query>\n{ASKED}\n</user_query>",
    "an older one": f"Use this context, inside <context></context> XML tags.\n<context>\n"
    f"{DOC}\n</context>\n\nWhen answering:\n- Be honest.\n\nGiven this, answer the query.\nQuery: {ASKED}",
    "an editor's context behind the question": f"{ASKED}\n\n<environment_details>\n# Open tabs\na.py\n"
    "</environment_details>",
    "an agent's task": f"<task>\n{ASKED}\n</task>\n<environment_details>\n# Time\n12:00\n</environment_details>",
    "a reminder on the same line": f"<system-reminder>Be brief.</system-reminder>{ASKED}",
    "camel case": "<context>\nMonday\n</context>\n<reminderInstructions>\nBe brief.\n</reminderInstructions>\n"
    f"<userRequest>\n{ASKED}\n</userRequest>",
    "attached files behind": f"{ASKED}\n<attached_files>\n<file path='a.txt'>{DOC}</file>\n</attached_files>",
    "pieces of context": f"Use the following pieces of context to answer the question at the end.\n\n{DOC}\n\n"
    f"Question: {ASKED}\nHelpful Answer:",
    "rulers": f"Context information is below.\n---------------------\n{DOC}\n---------------------\n"
    f"Given the context information and not prior knowledge, answer the query.\nQuery: {ASKED}\nAnswer: ",
    "capital labels and rulers": f"Use this.\n----------------\nCONTEXT: {DOC}\n----------------\nQUESTION: {ASKED}\n"
    "----------------\nHelpful Answer:",
    "citations": f'The following content was found in the files.\n\n** Source 1 **\n\nCitation 1: "{DOC}"\n\n'
    f"Use the citations above, only if they are relevant.\n\nUser Query:\n\n{ASKED}",
    "the question above its materials": "Answer from the reference materials\n\n## Citation Rules:\n- Cite.\n"
    f'\n## My question is:\n\n{ASKED}\n\n## Reference Materials:\n\n```json\n[{{"id": 1, "content": "{DOC}"}}]\n```\n\n'
    "Please respond in the same language.",
    "an editor's headings": "# Context from my IDE setup:\n\n## Active file: src/a.py\n\n## Open tabs:\n- a.py\n\n"
    f"## My request for Codex:\n{ASKED}\n",
    "web pages": f"# The following contents are the search results:\n[webpage 1 begin]{DOC}[webpage 1 end]\n"
    f"[webpage 2 begin]{DOC}\n[webpage 2 end]\nIn your answer, cite.\n# The user's message is:\n{ASKED}",
    "numbered results": f"[1] Ghent https://example.org/g\n{DOC}\n\n[2] Flanders https://example.org/f\n{DOC}\n\n{ASKED}",
    "results below": f"{ASKED}\n\nSearch results:\n[1] {DOC}\n\n[2] {DOC}",
    "German": f"Beantworte die Frage mit Hilfe der Auszüge.\n\nKontext:\n{DOC}\n\nFrage: {ASKED}\nAntwort:",
    "French": f"Réponds à l'aide du contexte.\n\nContexte :\n{DOC}\n\nQuestion : {ASKED}\nRéponse :",
    "Spanish": f"### Contexto\n{DOC}\n\n### Pregunta\n{ASKED}",
    "Chinese": f"已知资料：\n{DOC}\n\n问题：{ASKED}\n回答：",
    "Russian": f"Контекст:\n{DOC}\n\nВопрос: {ASKED}\nОтвет:",
    "a language that nobody listed": f"Erabili testua.\n--------\n{DOC}\n--------\nGaldera: {ASKED}\nErantzuna:",
}


@pytest.mark.parametrize("case", FRAMED)
def test_the_question_is_found_in_its_frame(case):
    assert ASKED == own_words(FRAMED[case])


@pytest.mark.parametrize(
    "text",
    [
        ASKED,
        "",
        "Name: Ravi\nTown: Ghent\nWork: teacher",
        "# About me\n\n## Work\nI teach.\n\n## Family\nMy son is called Arjun.",
        "Hi!\n---\nI live in Ghent.\n---\nI teach.",
        "[1] buy milk\n[2] call Anna\n\nI live in Ghent.",
        "1. I live in Ghent.\n2. I teach.\n3. My son is called Arjun.",
        "English: I live in Ghent.\nGerman:",
        "Question: where is Ghent?\nAnswer:",
        "Was ist an <div class='x'>das hier</div> falsch?",
        "<b>Hello</b> there, a < b and b > c.",
        "<html>\n<body><p>Hi</p></body>\n</html>\nWhy is this page empty?",
        "Meine Frage: wie geht das?\n\nIch wohne in Gent.",
        "My sources say:\n- Ghent\nQuestion: is that right?",
        "<question>",
        "a </task> b <task> c",
    ],
)
def test_what_a_person_typed_stays_as_typed(text):
    assert text == own_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "<environment_context>\n<cwd>/home/ann</cwd>\n</environment_context>",
        "<system-reminder>Be brief.</system-reminder>",
        "<user_instructions>\nWrite tests.\n</user_instructions>\n\n<context>\nx\n</context>",
    ],
)
def test_what_a_client_sends_alone_is_nobodys_words(text):
    assert "" == own_words(text)


def test_a_long_text_of_many_tags_takes_no_time():
    began = time.monotonic()
    own_words("<a>" * 50_000 + "</b>" * 50_000 + "label:\n" * 50_000)

    assert time.monotonic() - began < 5
