"""The screens: Textual, and nothing else.

app.py         the application: themes, keys, running replies, quitting
chat.py        the one main screen: threads, transcript, prompt; turns.py, travel.py and shelf.py are what its keys do
keys.py        every action in one table; commands.py makes the palette and the slash commands from it
replies.py     the replies that run, whoever looks at them
threads.py, transcript.py, message.py, prompt.py, status.py ...   one widget a file, its stylesheet beside it
markdown.py    Markdown to leaves, leaf.py shows one
tree.py, models.py, help.py, welcome.py, dialogs.py               the screens that lie over the main one
"""
