"""The exercises of the course: prompt, stub, hints, solution, wrong answers, and a check for each.

    rtlab.check("accept-key", my_function)   # runs it against fresh inputs and real peers
    rtlab.hint("accept-key")                 # one at a time
    rtlab.solution("accept-key")             # after success, or three honest tries
    rtlab.progress()                         # over the whole course
    rtlab.quiz("04")                         # three questions, with feedback on every choice

``collection`` has the exercises, a file each or a few that belong together; ``exercise`` says what
one is made of; ``worker`` is the process in which answers run, ``answer`` the side of it that a
check sees. An answer never meets the values that it is judged by: those stay in the kernel.
"""
