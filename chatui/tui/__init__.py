"""The screens: Textual, and nothing else.

app.py         the application: themes, keys, running replies, quitting
chat.py        the one main screen: threads, transcript, prompt; turns.py, offers.py, travel.py and shelf.py are what its keys do,
               around.py and facts.py what is shown around the messages
actions.py     every action in one table, its parts in ..._actions.py; keys.py makes the bindings from it, commands.py the
               palette and the slash commands
replies.py     the replies that run, whoever looks at them
threads.py, transcript.py, message.py, prompt.py, status.py ...   one widget a file, its stylesheet beside it
markdown.py    Markdown to leaves, leaf.py shows one
tree.py, models.py, help.py, welcome.py, dialogs.py               the screens that lie over the main one
"""
