import httpx


def opening_hours(url, bot):
    # A mistake: it asks for a stream, and then reads it as if it were none.
    body = {"q": "When are you open?", "stream": True}
    answer = httpx.post(f"{url}/api/v1/backend/chatbot/{bot}/chat", json=body)
    return answer.text.partition("\n")[2]


def test_the_opening_hours_are_shown(counterfoil):
    mock = counterfoil.mock("chatbot")
    mock.reply("When are you open?", "From ten to six.")
    assert opening_hours(mock.url, mock.credentials["bot_uid"]) == "From ten to six."
