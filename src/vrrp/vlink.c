/* See the header. */
#include "vrrp/vlink.h"

static enum vlink_step leave(const struct vlink_view *view)
{
	if (view->up)
		return VLINK_DOWN;
	return view->occupied ? VLINK_IDLE : VLINK_REMOVE;
}

enum vlink_step vlink_next(const struct vlink_view *view, const struct macvlan *wanted)
{
	const struct link *there = view->there;

	if (!there->index && view->needed && view->parent)
		return VLINK_ADD;
	if (!there->index || !macvlan_is(there, wanted, view->owned)) /* nothing, or somebody else's */
		return view->owned ? VLINK_FORGET : VLINK_IDLE;
	if (!view->needed)
		return view->owned ? leave(view) : VLINK_IDLE;
	if (view->parent && there->parent != view->parent) /* the interface was made anew */
		return VLINK_REMOVE;
	if (!view->owned)
		return VLINK_ADOPT;
	if (!view->marked)
		return VLINK_MARK;
	if (!view->tuned)
		return VLINK_TUNE;
	if (view->raised != view->up)
		return view->raised ? VLINK_UP : VLINK_DOWN;
	return VLINK_IDLE;
}
