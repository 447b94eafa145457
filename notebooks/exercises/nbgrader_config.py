"""What nbgrader is to do with the graded sets: run its commands in this folder."""

from rtlab.classroom import configure

c = get_config()  # noqa: F821  # nbgrader defines it
configure(c)
c.CourseDirectory.course_id = "rtlab"
